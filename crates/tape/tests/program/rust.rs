//! Programs as Rust functions: compiled and run.

use std::process::Command;
use tape::Program;

fn everything() -> Program {
    Program::new(|p| {
        let ([x, y], w) = (p.inputs(["x", "y"]), p.group("w", 2));
        let smooth = (x * y).sin() + x.tanh() * y.exp2() - (x * x + 1.0).ln() / y.cosh() + x.atan2(y);
        let kinked =
            x.maximum(y).abs() + x.relu() - y.softplus() + x.sigmoid() * y.powi(3) + (x * x + 1.0).powf(0.3);
        x.if_gt(y, smooth * w[0], kinked * w[1]) + smooth + kinked
    })
}

#[test]
fn the_source_computes_the_same() {
    let program = everything();
    let gradient = program.gradient();
    let points = [[0.3, -0.7, 1.5, 0.25], [-1.2, -1.3, 2.0, -1.0], [2.5, 0.4, -0.5, 3.0]];
    let mut source = program.to_rust("value").unwrap() + &gradient.to_rust("gradient").unwrap();
    source += "fn main() {\n";
    for [x, y, a, b] in points {
        source += &format!("    print!(\"{{:e}} \", value({x:?}, {y:?}, [{a:?}, {b:?}]));\n");
        source += &format!("    gradient({x:?}, {y:?}, [{a:?}, {b:?}]).map(|g| print!(\"{{:e}} \", g));\n");
    }
    source += "}\n";
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("to_rust");
    std::fs::create_dir_all(&folder).unwrap();
    let (file, binary) =
        (folder.join("main.rs"), folder.join(format!("main{}", std::env::consts::EXE_SUFFIX)));
    std::fs::write(&file, source).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_string());
    let compiled = Command::new(rustc)
        .args(["--edition", "2024", "-A", "warnings", "-o"])
        .arg(&binary)
        .arg(&file)
        .output();
    let compiled = compiled.expect("rustc runs, since it compiled this test");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&binary).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<f64> = text.split_whitespace().map(|x| x.parse().unwrap()).collect();
    let expected: Vec<f64> =
        points.iter().flat_map(|x| [program.call(x), gradient.call(x)].concat()).collect();
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= 1e-13 * b.abs().max(1.0), "expected {b}, found {a}");
    }
}

#[test]
fn what_the_standard_library_lacks_is_named() {
    let error = Program::new(|p| p.input("x").erf()).to_rust("f").unwrap_err();
    assert_eq!(error.to_string(), "to_rust: expected functions of the standard library, found `erf`");
    let error = Program::new(|p| p.input("a b")).to_rust("f").unwrap_err();
    assert_eq!(error.to_string(), "to_rust: expected names that are identifiers, found `a b`");
}

#[test]
fn constants_are_written_with_their_type() {
    let of = |constant: f64| Program::new(|p| p.constant(constant).atan2(p.input("x"))).to_rust("f").unwrap();
    for (constant, text) in [
        (2.5, "2.5_f64"),
        (-2.5, "(-2.5_f64)"),
        (f64::INFINITY, "f64::INFINITY"),
        (f64::NEG_INFINITY, "f64::NEG_INFINITY"),
        (f64::NAN, "f64::NAN"),
    ] {
        assert_eq!(
            of(constant),
            format!("fn f(x: f64) -> f64 {{\n    let t1 = {text}.atan2(x);\n    t1\n}}\n")
        );
    }
}
