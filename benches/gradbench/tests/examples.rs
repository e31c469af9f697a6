//! Every example of the suite's specification, under both names.

use gradbench::evals;
use gradbench::request::{Request, Tool};
use serde_json::{Value, json};

/// The output of a function.
fn output(tool: Tool, eval: &str, function: &str, input: &Value) -> Value {
    let request = Request::new(tool, function, input).expect("a request");
    evals::named(eval).expect("an eval")(&request).expect("an output")
}

/// The numbers in a value, in order; those of an object by key as listed.
fn numbers(value: &Value, keys: &[&str]) -> Vec<f64> {
    match value {
        Value::Number(x) => vec![x.as_f64().expect("a double")],
        Value::Array(list) => list.iter().flat_map(|x| numbers(x, keys)).collect(),
        Value::Object(fields) => keys.iter().flat_map(|key| numbers(&fields[*key], keys)).collect(),
        other => panic!("expected numbers, found {other}"),
    }
}

/// Compares to the digits that are printed in the specification, relative to the largest number.
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: the number of numbers");
    let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= tolerance * largest, "{what}, entry {i}: found {x}, expected {y}");
    }
}

/// Answers of 15 or more digits, and those that are printed with 8 to 10.
const EXACT: f64 = 1e-14;
const PRINTED: f64 = 1e-8;

/// Compares an output under both names.
fn check(eval: &str, function: &str, input: &Value, expected: &[f64], tolerance: f64) {
    for tool in Tool::ALL {
        let what = format!("{} {eval} {function}", tool.name());
        let found = output(tool, eval, function, input);
        assert_close(&numbers(&found, &["alpha", "mu", "q", "l"]), expected, tolerance, &what);
    }
}

#[test]
fn hello() {
    check("hello", "square", &json!(3.0), &[9.0], EXACT);
    check("hello", "double", &json!(9), &[18.0], EXACT);
}

#[test]
fn llsq() {
    let input = json!({"x": [0.5, -0.25, 0.125], "n": 4});
    check("llsq", "primal", &input, &[3.3908179012345676], EXACT);
    check("llsq", "gradient", &input, &[2.27777778, -3.22222222, 1.36419753], PRINTED);
}

#[test]
fn lse() {
    let input = json!({"x": [0.1, 0.7, -0.4]});
    check("lse", "primal", &input, &[1.3321664402303957], EXACT);
    check("lse", "gradient", &input, &[0.29166003, 0.53143922, 0.17690075], PRINTED);
}

#[test]
fn ode() {
    let input = json!({"x": [0.5, 0.25, 0.8], "s": 2});
    check("ode", "primal", &input, &[1.0, 0.25, 0.13333333], PRINTED);
    check("ode", "gradient", &input, &[0.26666667, 0.53333333, 0.16666667], PRINTED);
}

/// For up to four components the method is exact: the last one is the product of all `2 xᵢ / (i + 1)`.
#[test]
fn ode_of_four_components() {
    let x = [0.5, 1.25, -0.8, 0.3];
    let last: f64 = x.iter().zip(1..).map(|(x, i)| 2.0 * x / f64::from(i)).product();
    let expected = x.map(|x| last / x);
    for s in [1, 3, 10] {
        check("ode", "gradient", &json!({"x": x, "s": s}), &expected, EXACT);
    }
}

#[test]
fn det() {
    let input = json!({"A": [2, -1, 0.5, 1, 3, -2, 0.25, 1.5, 4], "ell": 3});
    check("det", "primal", &input, &[34.875], EXACT);
    check("det", "gradient", &input, &[15.0, -4.5, 0.75, 4.75, 7.875, -3.25, 0.5, 4.5, 7.0], EXACT);
}

#[test]
fn gmm() {
    let input = json!({
        "d": 3, "k": 2, "n": 2, "m": 1, "gamma": 0.5,
        "x": [[0.5, -1, 0.25], [1, 0, -0.5]], "alpha": [0.1, -0.2], "mu": [[0, 0.5, 1], [-0.5, 0.25, 0]],
        "q": [[0.1, -0.1, 0.2], [0, 0.3, -0.2]], "l": [[0.5, -0.25, 1], [0, 0.125, -0.5]],
    });
    check("gmm", "objective", &input, &[-45.9669684522877], EXACT);
    let expected = [
        -0.8336863789,
        0.8336863789, // alpha
        0.3217234501,
        -1.0300274158,
        -0.9825961803,
        2.2225832945,
        -2.4964966877,
        0.5303090828, // mu
        0.8344857690,
        0.7684790497,
        0.0010094144,
        -0.3920420679,
        -0.0703363396,
        2.3303011361, // q
        -0.0024214341,
        0.5762443045,
        -1.2337156676,
        1.7636880379,
        -0.6347212424,
        1.0231506884, // l
    ];
    check("gmm", "jacobian", &input, &expected, PRINTED);
}

#[test]
fn lstm() {
    let input = json!({
        "main_params": [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]],
        "extra_params": [[0.5, 1], [0.25, 0.75], [0.1, -0.1]],
        "state": [[0.3, 0.6], [0.2, 0.4]],
        "sequence": [[1, 0], [0, 1], [1, 1]],
    });
    check("lstm", "objective", &input, &[0.979542591366767], EXACT);
    let expected = [
        -0.000062551,
        -0.004987616,
        -0.000345666,
        -0.007159652,
        0.000479349,
        -0.009882281,
        -0.002444451,
        -0.033856279,
        -0.001274856,
        -0.013011959,
        -0.001335572,
        -0.013353127,
        -0.002322038,
        -0.031058986,
        -0.009472699,
        -0.067052919,
        0.000466839,
        -0.006926892,
        -0.015769441,
        -0.103805998,
        -0.047802022,
        -0.294132026,
    ];
    check("lstm", "jacobian", &input, &expected, PRINTED);
}

#[test]
fn kmeans() {
    let input = json!({
        "points": [[0, 0], [1, 0], [5, 4], [7, 5], [6, 3]],
        "centroids": [[0.25, 0.5], [6.5, 4.5]],
    });
    check("kmeans", "cost", &input, &[6.625], EXACT);
    check("kmeans", "dir", &input, &[-0.25, 0.5, 0.5, 0.5], EXACT);
}

#[test]
fn ba() {
    let input = json!({
        "n": 2, "m": 3, "p": 10,
        "cam": [0.1, -0.2, 0.3, 0.5, -0.5, 1, 2, 0.25, -0.25, 0.01, -0.02],
        "x": [1, 2, 5], "w": 0.5, "feat": [0.75, 1.5],
    });
    let starts: Vec<usize> = (0..20).map(|row| 15 * row).chain(300..=309).chain([310]).collect();
    let block: Vec<usize> = (0..11).chain([22, 23, 24, 31]).collect();
    let columns: Vec<usize> = block.iter().chain(&block).copied().chain([40]).collect();
    let values = [
        0.217281918,
        1.005558515,
        -0.551370489,
        -0.236511883,
        0.068578464,
        -0.013297554,
        -0.121260236,
        0.5,
        0.0,
        -0.070246870,
        -0.020372025,
        0.236511883,
        -0.068578464,
        0.013297554,
        -0.985040943,
        -1.247385535,
        0.062894861,
        -0.117978413,
        -0.043704279,
        -0.219855692,
        0.142872842,
        0.240778352,
        0.0,
        0.5,
        0.139484519,
        0.040451369,
        0.043704279,
        0.219855692,
        -0.142872842,
        -0.786886594,
        -1.0,
    ];
    for tool in Tool::ALL {
        let errors = output(tool, "ba", "objective", &input);
        let found = numbers(&errors["reproj_error"]["elements"], &[]);
        assert_close(&found, &[-0.4925204714800827, -0.3934432967942396], EXACT, "ba objective");
        assert_eq!((&errors["w_err"]["element"], &errors["w_err"]["repeated"]), (&json!(0.75), &json!(10)));
        let jacobian = output(tool, "ba", "jacobian", &input);
        assert_eq!((&jacobian["rows"], &jacobian["cols"]), (&json!(starts), &json!(columns)));
        assert_close(&numbers(&jacobian["vals"], &[]), &values, PRINTED, "ba jacobian");
    }
}

/// A hand of 22 bones and 3 vertices.
fn hand(us: &Value) -> Value {
    let matrix = |x: f64, y: f64, z: f64| json!([[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, z], [0, 0, 0, 1]]);
    let each = |map: &dyn Fn(usize) -> Value| (0..22).map(map).collect::<Vec<Value>>();
    let weight = |v: usize, b: usize| (1 + (v + b) % 4) as f64 / 100.0;
    json!({
        "theta": (1..=26).map(|j| 0.1 * f64::from(j).sin()).collect::<Vec<f64>>(),
        "us": us,
        "data": {
            "correspondences": [1, 0],
            "points": [[1, 2, 3], [-1, 0.5, 0.25]],
            "model": {
                "bone_count": 22,
                "bone_names": vec!["bone"; 22],
                "parents": [-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19, 0],
                "base_relatives": each(&|b| matrix(0.1 * (b % 3) as f64, 0.2, 0.05 * b as f64)),
                "inverse_base_absolutes": each(&|b| matrix(-0.1, 0.02 * b as f64, 0.0)),
                "base_positions": [[0.5, 1, -0.5, 1], [1.5, -1, 0.25, 1], [-0.75, 0.5, 2, 1]],
                "weights": (0..3).map(|v| (0..22).map(|b| weight(v, b)).collect()).collect::<Vec<Vec<f64>>>(),
                "triangles": [[0, 1, 2], [2, 0, 1]],
                "is_mirrored": false,
            },
        },
    })
}

#[test]
fn ht() {
    let input = hand(&json!([[0.2, 0.3], [0.5, 0.1]]));
    let residuals = [0.5314180881, 1.7536905903, 2.2273734912, -1.1198036195, -0.1157526434, -0.7288162513];
    check("ht", "objective", &input, &residuals, PRINTED);
    let first = [
        1.148172166,
        0.595719295,
        -0.022131962,
        -0.785145344,
        0.374795149,
        -1.0,
        0.0,
        0.0,
        -0.004238079,
        0.013994339,
    ];
    let fifth = [
        -0.358757051,
        0.744229559,
        1.014175621,
        -0.014067443,
        -0.149072243,
        0.0,
        -1.0,
        0.0,
        0.050274870,
        -0.000303425,
    ];
    for tool in Tool::ALL {
        let rows = output(tool, "ht", "jacobian", &input);
        let all = numbers(&rows, &[]);
        assert_eq!(all.len(), 168, "entries");
        assert_close(&numbers(&rows[0], &[])[..10], &first, PRINTED, "ht, first row");
        assert_close(&numbers(&rows[4], &[])[..10], &fifth, PRINTED, "ht, fifth row");
        let sums = [all.iter().sum(), all.iter().map(|x| x * x).sum()];
        assert_close(&sums, &[-5.2607968333, 22.4354505321], PRINTED, "ht, sums");
    }
}

#[test]
fn ht_without_triangles() {
    let input = hand(&json!([]));
    let residuals = [0.123067866, 2.233432485, 2.411761761, -1.281212838, -0.369554125, -0.120223515];
    check("ht", "objective", &input, &residuals, PRINTED);
    for tool in Tool::ALL {
        let all = numbers(&output(tool, "ht", "jacobian", &input), &[]);
        assert_eq!(all.len(), 156, "entries");
        assert_close(&[all.iter().sum()], &[-6.7721000948], PRINTED, "ht, sum");
    }
}

#[test]
fn saddle() {
    for variant in ["ff", "fr", "rf", "rr"] {
        check("saddle", variant, &json!({"start": [1.0, 1.0]}), &[8.246324826140356e-06; 4], 1e-12);
        let (a, b) = (5.684026776162024e-06, 1.421006694040506e-06);
        check("saddle", variant, &json!({"start": [2, 0.5]}), &[a, b, a, b], 1e-12);
    }
}

#[test]
fn particle() {
    for variant in ["ff", "fr", "rf", "rr"] {
        check("particle", variant, &json!({"w": 0.0}), &[0.2071918746486116], 1e-12);
    }
}

/// The cost of a particle and its slope, away from the minimum.
#[test]
fn particle_cost() {
    use gradbench::evals::nested::{Mode, VARIANTS};
    for variant in VARIANTS {
        let modes = Mode::of_variant(variant).expect("a variant");
        let found = |w| gradbench::evals::particle::cost_and_slope(w, modes);
        assert_close(&found(0.0), &[3.1990790025082054, -19.404636450028214], 1e-12, variant);
        assert_close(&found(0.5), &[26.29962405192886, 264.19190276360143], 1e-12, variant);
    }
}

/// The search for the maximum ends there also on recorded numbers, in both inner modes.
#[test]
fn saddle_on_a_tape() {
    use gradbench::evals::nested::{Gradient, Mode};
    use gradbench::evals::saddle::{Negative, argmax};
    use tape::Tape;
    for mode in [Mode::Forward, Mode::Reverse] {
        let tape = Tape::new();
        let a = [0.5, -2.0].map(|a| tape.scalar(a));
        let found = argmax(a, [1.0, 1.0], &mut Gradient::new(mode, Negative));
        assert_close(&found.map(|b| b.value()), &[8.246324826140356e-06; 2], 1e-12, "saddle, inner search");
    }
}
