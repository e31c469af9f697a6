//! The layout of a drawing: layers by longest path, order within a layer by barycentres.
//!
//! The first and third step of the method of Sugiyama, Tagawa and Toda (1981); the second, removing cycles,
//! is unnecessary, because a recorded graph has none. Every step is a loop over lists: no recursion, whatever
//! the depth.

/// The number of dummy vertices (where edges pass layers) per node and edge, `FEW` being added to both; the
/// longest edges, which would exceed it, are drawn straight. A value used along a chain of `n` operations
/// would need `n²`.
const DUMMIES: usize = 2;
const FEW: usize = 4096;

/// Rounds of ordering and of straightening; more change little.
const ROUNDS: usize = 12;

/// A drawing in its own units: layers are one unit apart, neighbours in a layer at least one unit.
#[derive(Debug)]
pub(super) struct Drawing {
    /// The column of each node, from 0.
    pub(super) x: Vec<f64>,
    /// The layer of each node, from 0 at the top.
    pub(super) layer: Vec<usize>,
    /// Each edge: parent, child, and the columns where it passes the layers between them.
    pub(super) edges: Vec<Edge>,
    /// The number of layers and the width in columns.
    pub(super) size: (usize, f64),
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) bends: Vec<f64>,
}

/// Lays out a graph given by the parents of each node; parents come before their children.
pub(super) fn layout(parents: &[Vec<usize>]) -> Drawing {
    let layer = layers(parents);
    let depth = layer.iter().map(|l| l + 1).max().unwrap_or(0);
    // An edge gets a dummy vertex in every layer it passes, so that it bends around the nodes there.
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    let mut below = above.clone();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    (0..parents.len()).for_each(|node| rows[layer[node]].push(node));
    let edges = edges(parents);
    let longest =
        longest_with_dummies(edges.iter().map(|&(from, to)| layer[to] - layer[from] - 1), parents.len());
    let mut chains = Vec::with_capacity(edges.len());
    for (from, to) in edges {
        let mut chain = Vec::new();
        let mut last = from;
        let between = layer[from] + 1..layer[to];
        let between = if between.len() > longest { 0..0 } else { between };
        for row in &mut rows[between] {
            let vertex = above.len();
            above.push(vec![last]);
            below.push(Vec::new());
            below[last].push(vertex);
            row.push(vertex);
            chain.push(vertex);
            last = vertex;
        }
        below[last].push(to);
        above[to].push(last);
        chains.push((from, to, chain));
    }
    let mut x = vec![0.0; above.len()];
    spread(&rows, &mut x);
    for round in 0..ROUNDS {
        order(&mut rows, if round % 2 == 0 { &above } else { &below }, &mut x, round % 2 == 0);
    }
    let pull: Vec<f64> = (0..above.len()).map(|vertex| pull(vertex, parents)).collect();
    for _ in 0..2 * ROUNDS {
        straighten(&rows, [&above, &below], &pull, &mut x);
    }
    let least = x.iter().copied().fold(f64::INFINITY, f64::min);
    x.iter_mut().for_each(|x| *x -= least);
    let width = x.iter().copied().fold(0.0, f64::max);
    let edge = |(from, to, chain): (usize, usize, Vec<usize>)| Edge {
        from,
        to,
        bends: chain.into_iter().map(|vertex| x[vertex]).collect(),
    };
    let edges = chains.into_iter().map(edge).collect();
    x.truncate(parents.len());
    Drawing { x, layer, edges, size: (depth, width) }
}

/// Every edge once, as parent and child.
fn edges(parents: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (to, list) in parents.iter().enumerate() {
        let mut list = list.clone();
        list.sort_unstable();
        list.dedup();
        edges.extend(list.into_iter().map(|from| (from, to)));
    }
    edges
}

/// The greatest number of layers that an edge may pass and still get dummy vertices, so that there are not
/// too many.
fn longest_with_dummies(passed: impl Iterator<Item = usize>, nodes: usize) -> usize {
    let mut passed: Vec<usize> = passed.collect();
    passed.sort_unstable();
    let most = DUMMIES * (FEW + nodes + passed.len());
    let mut dummies = 0;
    let within = passed.iter().take_while(|&&layers| {
        dummies += layers;
        dummies <= most
    });
    match within.count() {
        all if all == passed.len() => usize::MAX,
        // Edges of equal length: all or none.
        some => passed[some].saturating_sub(1),
    }
}

/// The layer of each node: below all its parents, and leaves directly above their first use.
fn layers(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut layer = vec![0; parents.len()];
    for (node, list) in parents.iter().enumerate() {
        layer[node] = list.iter().map(|&parent| layer[parent] + 1).max().unwrap_or(0);
    }
    let mut first_use = vec![usize::MAX; parents.len()];
    for (node, list) in parents.iter().enumerate() {
        for &parent in list {
            first_use[parent] = first_use[parent].min(layer[node]);
        }
    }
    for (node, list) in parents.iter().enumerate() {
        if list.is_empty() && first_use[node] != usize::MAX {
            layer[node] = first_use[node] - 1;
        }
    }
    layer
}

/// Sets the columns of each row in order, centred around a common middle.
fn spread(rows: &[Vec<usize>], x: &mut [f64]) {
    for row in rows {
        let middle = (row.len() as f64 - 1.0) / 2.0;
        row.iter().enumerate().for_each(|(i, &vertex)| x[vertex] = i as f64 - middle);
    }
}

/// Sorts each row by the mean column of its neighbours on one side, row by row away from that side.
fn order(rows: &mut [Vec<usize>], neighbours: &[Vec<usize>], x: &mut [f64], downwards: bool) {
    let count = rows.len();
    for i in 0..count {
        let row = &mut rows[if downwards { i } else { count - 1 - i }];
        let key = |vertex: usize| mean(&neighbours[vertex], x).unwrap_or(x[vertex]);
        // Stable: equal keys keep their order, so that the drawing is always the same.
        let mut keyed: Vec<(f64, usize)> = row.iter().map(|&vertex| (key(vertex), vertex)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        *row = keyed.into_iter().map(|(_, vertex)| vertex).collect();
        spread(std::slice::from_ref(row), x);
    }
}

/// How strongly a vertex pulls its neighbours: results more than leaves, so that the main line is straight
/// and leaves are beside it; dummy vertices most of all, so that long edges are straight.
fn pull(vertex: usize, parents: &[Vec<usize>]) -> f64 {
    match parents.get(vertex) {
        None => 8.0,
        Some(list) if list.is_empty() => 0.25,
        Some(_) => 4.0,
    }
}

/// Moves vertices towards the weighted mean of their neighbours, keeping their order and distance.
fn straighten(rows: &[Vec<usize>], sides: [&[Vec<usize>]; 2], pull: &[f64], x: &mut [f64]) {
    for row in rows.iter().chain(rows.iter().rev()) {
        let wish = |&vertex: &usize| {
            let both = sides.into_iter().flat_map(|side| &side[vertex]);
            let (sum, weight) = both.fold((0.0, 0.0), |(sum, weight), &other| {
                (sum + pull[other] * x[other], weight + pull[other])
            });
            if weight > 0.0 { sum / weight } else { x[vertex] }
        };
        let wishes: Vec<f64> = row.iter().map(wish).collect();
        // As far left as desired, then as far right as desired; the mean of both keeps the distances.
        let (mut left, mut right) = (wishes.clone(), wishes);
        for i in 1..left.len() {
            left[i] = left[i].max(left[i - 1] + 1.0);
        }
        for i in (1..right.len()).rev() {
            right[i - 1] = right[i - 1].min(right[i] - 1.0);
        }
        let heavy = row.iter().map(|&vertex| pull[vertex]).fold(0.0, f64::max);
        let settled: Vec<f64> = left.iter().zip(&right).map(|(left, right)| (left + right) / 2.0).collect();
        let anchor = (0..row.len()).find(|&i| pull[row[i]] == heavy);
        // One shift for the whole row puts its heaviest vertex where it wants to be.
        let shift = anchor.map_or(0.0, |i| wish(&row[i]) - settled[i]);
        row.iter().zip(settled).for_each(|(&vertex, at)| x[vertex] = at + shift);
    }
}

fn mean(vertices: &[usize], x: &[f64]) -> Option<f64> {
    if vertices.is_empty() {
        return None;
    }
    Some(vertices.iter().map(|&vertex| x[vertex]).sum::<f64>() / vertices.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_a_straight_line() {
        let parents: Vec<Vec<usize>> = (0..5usize).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        let layout = layout(&parents);
        assert_eq!(layout.layer, [0, 1, 2, 3, 4]);
        assert_eq!(layout.x, [0.0; 5]);
        assert_eq!(layout.size, (5, 0.0));
    }

    #[test]
    fn leaves_are_above_their_first_use_and_long_edges_keep_clear_of_nodes() {
        // 0 and 1 are leaves; 2 = f(0), 3 = g(2), 4 = h(3, 1), 5 = k(4, 0).
        let layout = layout(&[vec![], vec![], vec![0], vec![2], vec![3, 1], vec![4, 0, 0]]);
        assert_eq!(layout.layer, [0, 2, 1, 2, 3, 4]);
        let long = layout.edges.iter().find(|edge| (edge.from, edge.to) == (0, 5)).unwrap();
        assert_eq!((layout.edges.len(), long.bends.len()), (6, 3));
        for (node, layer) in [(2, 1), (3, 2), (4, 3)] {
            assert!((layout.x[node] - long.bends[layer - 1]).abs() > 0.999, "{layout:?}");
        }
    }

    #[test]
    fn neighbours_keep_their_distance_and_crossings_are_removed() {
        // Two pairs of parents, wired crosswise: 4 = f(2, 3), 5 = g(0, 1).
        let layout = layout(&[vec![], vec![], vec![], vec![], vec![2, 3], vec![0, 1]]);
        let x = &layout.x;
        assert!((x[4] < x[5]) == (x[2] < x[0]) && (x[3] < x[1]) == (x[2] < x[0]), "{x:?}");
        let mut row = x[..4].to_vec();
        row.sort_by(f64::total_cmp);
        assert!(row.windows(2).all(|pair| pair[1] - pair[0] > 0.999), "{x:?}");
        let empty = super::layout(&[]);
        assert_eq!(empty.size, (0, 0.0));
    }

    #[test]
    fn dummy_vertices_are_linear_in_the_nodes() {
        // A leaf that every node of a chain uses: half of its edges would pass n / 2 layers or more.
        let fan = |n: usize| -> Vec<Vec<usize>> {
            (0..n).map(|i| if i == 0 { vec![] } else { vec![0, i - 1] }).collect()
        };
        let dummies = |n: usize| layout(&fan(n)).edges.iter().map(|edge| edge.bends.len()).sum::<usize>();
        assert_eq!(dummies(100), 99 * 98 / 2);
        assert!(dummies(20_000) <= DUMMIES * (FEW + 3 * 20_000), "{}", dummies(20_000));
    }

    #[test]
    fn depth_costs_no_stack() {
        let parents: Vec<Vec<usize>> =
            (0..20_000usize).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        assert_eq!(layout(&parents).size.0, 20_000);
    }
}
