use tape::{Tape, Tensor, transform};

fn main() {
    let x = Tensor::from([1.0, 2.0]);
    let direction = Tensor::from([1.0, 0.0]);

    println!("recorded, then swept");
    let tape = Tape::new();
    let v = tape.var(x.clone());
    let loss = (v * v * v).sum();
    println!("  backward        {:?}", loss.backward().wrt(v).to_vec());
    println!("  backward again  {:?}", loss.backward().wrt(v).to_vec());
    println!("  grad of grad    {:?}", loss.grad(v).sum().grad(v).value().to_vec());

    println!("functions made from functions");
    let gradient = transform::grad(|x| (x * x * x).sum(), x.clone());
    println!("  grad            {:?}", gradient.to_vec());
    let (y, dy) = transform::jvp(|x| x * x * x, x.clone(), direction.clone());
    println!("  jvp             {:?} and {:?}", y.to_vec(), dy.to_vec());
    let (_, dx) = transform::vjp(|x| x * x * x, x.clone(), direction.clone());
    println!("  vjp             {:?}", dx.to_vec());
    let jacobian = transform::jacobian(|x| x * x * x, x);
    println!("  jacobian        {:?}", jacobian.to_vec());

    println!("a target that is computed with the same weight");
    let w = tape.scalar(0.5);
    let (now, next) = (w * 1.0, w * 2.0);
    let target = 1.0 + 0.9 * next;
    let loss = 0.5 * (target - now).square();
    println!("  loss            {:.3}", loss.value());
    println!("  gradient        {:.3}", loss.backward().wrt(w));
}
