//! Inputs of every eval at a given size, drawn from a seed: for tests and measurements.

use serde_json::{Value, json};

/// Numbers from a seed, the same on every machine.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// From this seed.
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// A number of [0, 1): SplitMix64, the upper 53 bits.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of nearly normal distribution: the sum of twelve.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// An integer from 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.uniform() * end as f64) as usize
    }

    fn uniforms(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.uniform()).collect()
    }

    fn lists(
        &mut self,
        rows: usize,
        columns: usize,
        mut number: impl FnMut(&mut Draw) -> f64,
    ) -> Vec<Vec<f64>> {
        (0..rows).map(|_| (0..columns).map(|_| number(self)).collect()).collect()
    }
}

/// `llsq` with `m` coefficients and `n` points.
pub fn llsq(m: usize, n: usize, seed: u64) -> Value {
    json!({"x": Draw::new(seed).uniforms(m), "n": n})
}

/// `lse` of `n` numbers.
pub fn lse(n: usize, seed: u64) -> Value {
    json!({"x": Draw::new(seed).uniforms(n)})
}

/// `ode` of `n` components and `s` steps.
pub fn ode(n: usize, s: usize, seed: u64) -> Value {
    json!({"x": Draw::new(seed).uniforms(n), "s": s})
}

/// `det` of an `l` by `l` matrix.
pub fn det(l: usize, seed: u64) -> Value {
    json!({"A": Draw::new(seed).uniforms(l * l), "ell": l})
}

/// `gmm` of `n` points in `d` dimensions and `k` components.
pub fn gmm(d: usize, k: usize, n: usize, m: usize, seed: u64) -> Value {
    let mut draw = Draw::new(seed);
    json!({
        "d": d, "k": k, "n": n, "m": m, "gamma": 1.0,
        "x": draw.lists(n, d, Draw::normal),
        "alpha": (0..k).map(|_| draw.normal()).collect::<Vec<f64>>(),
        "mu": draw.lists(k, d, Draw::uniform),
        "q": draw.lists(k, d, Draw::normal),
        "l": draw.lists(k, d * (d - 1) / 2, Draw::normal),
    })
}

/// `lstm` of `layers` layers of width `b` and `c` characters.
pub fn lstm(layers: usize, b: usize, c: usize, seed: u64) -> Value {
    let mut draw = Draw::new(seed);
    json!({
        "main_params": draw.lists(2 * layers, 4 * b, Draw::uniform),
        "extra_params": draw.lists(3, b, Draw::uniform),
        "state": draw.lists(2 * layers, b, Draw::uniform),
        "sequence": draw.lists(c, b, |draw| f64::from(u8::from(draw.uniform() < 0.5))),
    })
}

/// `kmeans` of `n` points in `d` dimensions; the centroids are the last `k` points.
pub fn kmeans(k: usize, n: usize, d: usize, seed: u64) -> Value {
    let points = Draw::new(seed).lists(n, d, Draw::uniform);
    json!({"centroids": points[n - k..], "points": points})
}

/// `ba` of `n` cameras, `m` points and `p` observations, with the suite's numbers.
pub fn ba(n: usize, m: usize, p: usize) -> Value {
    json!({
        "n": n, "m": m, "p": p,
        "cam": [-0.758453, -1.109613, -0.845551, 34.556073, 39.676747, 53.881673, 419.194514, 5.864426, -8.518870,
            0.087812, 0.002739],
        "x": [7.203245, 0.001144, 3.023326],
        "w": 0.417022,
        "feat": [271.760969, 834.209256],
    })
}

/// `ht` with `c` correspondences to triangles of a mesh of `v` vertices.
pub fn ht(v: usize, triangles: usize, c: usize, seed: u64) -> Value {
    const BONES: usize = 22;
    let mut draw = Draw::new(seed);
    let mut matrices = || {
        let mut matrix = || {
            let mut row = |i: usize| {
                let mut row: Vec<f64> =
                    (0..4).map(|j| f64::from(u8::from(i == j)) + 0.1 * (draw.uniform() - 0.5)).collect();
                row[3] = draw.uniform();
                row
            };
            let rows = [row(0), row(1), row(2)];
            json!([rows[0], rows[1], rows[2], [0.0, 0.0, 0.0, 1.0]])
        };
        (0..BONES).map(|_| matrix()).collect::<Vec<Value>>()
    };
    let (base_relatives, inverse_base_absolutes) = (matrices(), matrices());
    let parents: Vec<i64> = (0..BONES as i64).map(|b| if b % 4 == 1 { 0 } else { b - 1 }).collect();
    let corners = |draw: &mut Draw| (0..3).map(|_| draw.below(v)).collect::<Vec<usize>>();
    json!({
        "theta": (0..26).map(|_| draw.uniform() - 0.5).collect::<Vec<f64>>(),
        "us": draw.lists(c, 2, Draw::uniform),
        "data": {
            "correspondences": (0..c).map(|_| draw.below(triangles)).collect::<Vec<usize>>(),
            "points": draw.lists(c, 3, Draw::uniform),
            "model": {
                "bone_count": BONES,
                "bone_names": vec!["bone"; BONES],
                "parents": parents,
                "base_relatives": base_relatives,
                "inverse_base_absolutes": inverse_base_absolutes,
                "base_positions": (0..v)
                    .map(|_| vec![draw.uniform(), draw.uniform(), draw.uniform(), 1.0])
                    .collect::<Vec<_>>(),
                "weights": draw.lists(v, BONES, |draw| draw.uniform() / BONES as f64),
                "triangles": (0..triangles).map(|_| corners(&mut draw)).collect::<Vec<_>>(),
                "is_mirrored": false,
            },
        },
    })
}
