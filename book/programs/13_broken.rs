use std::ops::{Add, Mul};
/// A value and its tangent.
#[derive(Clone, Copy)]
struct Dual(f64, f64);
impl Add for Dual {
    type Output = Dual;
    fn add(self, y: Dual) -> Dual {
        Dual(self.0 + y.0, self.1 + y.1)
    }
}
impl Mul for Dual {
    type Output = Dual;
    fn mul(self, y: Dual) -> Dual {
        Dual(self.0 * y.0, self.1 * y.0)
    }
}

fn f<T: Copy + Add<Output = T> + Mul<Output = T>>([x, y, z]: [T; 3]) -> [T; 2] {
    let a = x * y;
    [a + z * z, a * z + x]
}

fn main() {
    let x = [2.0, 3.0, -1.0];
    let forward = |dx: [f64; 3]| f([0, 1, 2].map(|k| Dual(x[k], dx[k]))).map(|y| y.1);
    for dx in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
        println!("J dx   for dx = {dx:?}: {:?}", forward(dx));
    }
    let tape = tape::Tape::new();
    let leaves = x.map(|x| tape.scalar(x));
    let [u, v] = f(leaves);
    let reverse = |ct: [f64; 2]| (u * ct[0] + v * ct[1]).backward().wrt(leaves);
    for ct in [[1.0, 0.0], [0.0, 1.0]] {
        println!("Jᵀ ct  for ct = {ct:?}: {:?}", reverse(ct));
    }
    let (dx, ct) = ([0.5, -1.0, 2.0], [3.0, 1.5]);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    println!("ct · (J dx) = {}", dot(&ct, &forward(dx)));
    println!("(Jᵀ ct) · dx = {}", dot(&reverse(ct), &dx));
}
