use tape::Tape;

/// A node that stores its gradient, as in many small engines.
struct Node(f64, Vec<(usize, f64)>);

/// The reverse sweep over stored gradients.
fn backward(nodes: &mut [Node], when: &str) {
    nodes[nodes.len() - 1].0 = 1.0;
    for index in (0..nodes.len()).rev() {
        for (operand, slope) in nodes[index].1.clone() {
            nodes[operand].0 += nodes[index].0 * slope;
        }
    }
    let [x, y, a, b] = [0, 1, 2, 3].map(|k| nodes[k].0);
    println!("{when:<20}  x {x:>2}  y {y:>2}  a {a}  b {b}");
}

fn main() {
    let mut nodes = [
        Node(0.0, vec![]),                   // x = 2
        Node(0.0, vec![]),                   // y = 3
        Node(0.0, vec![(0, 3.0), (1, 2.0)]), // a = x y
        Node(0.0, vec![(2, 1.0), (0, 1.0)]), // b = a + x
        Node(0.0, vec![(3, 3.0), (1, 8.0)]), // z = b y
    ];
    backward(&mut nodes, "first sweep");
    nodes[..2].iter_mut().for_each(|leaf| leaf.0 = 0.0);
    backward(&mut nodes, "only leaves cleared");
    nodes.iter_mut().for_each(|node| node.0 = 0.0);
    backward(&mut nodes, "all nodes cleared");

    let tape = Tape::new();
    let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
    let z = (x * y + x) * y;
    println!("tape, first sweep     {:?}", z.backward().wrt([x, y]));
    println!("tape, second sweep    {:?}", z.backward().wrt([x, y]));
}
