//! The programs `two_clusters`, `bounded_region`, `parity` and `vanishing`.

use super::{Scratch, text};

#[test]
fn quick_runs_end_with_a_result_and_draw_what_they_name() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("two_clusters", &["--epochs", "5"], "accuracy=1.0000"),
        ("bounded_region", &["--runs", "1"], "bounded=true"),
        ("parity", &["--exact", "--epochs", "10"], "accuracy=1.0000"),
        ("vanishing", &["--depth", "5"], "first=2.0032e-4"),
    ];
    for (name, flags, expected) in cases {
        let scratch = Scratch::new(name, "quick");
        let output = scratch.run(name, flags);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let last = printed.lines().last().unwrap();
        assert!(last.starts_with("result: ") && last.contains(expected), "{name}: {last}");
        let pictures: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("picture: ")).collect();
        assert_eq!(pictures.len(), 2, "{name}");
        assert!(pictures.iter().all(|picture| scratch.0.join(picture).exists()), "{name}: {pictures:?}");
    }
}

#[test]
fn bad_input_is_one_sentence_and_code_2() {
    let cases: [(&str, &[&str], &str); 5] = [
        (
            "two_clusters",
            &["--margin", "3"],
            "--margin leaves no room: at most 1.4 times --centre and once --spread",
        ),
        (
            "two_clusters",
            &["--centre", "0"],
            "invalid value '0' for '--centre <CENTRE>': expected a number above 0",
        ),
        (
            "bounded_region",
            &["--runs", "0"],
            "invalid value '0' for '--runs <RUNS>': expected a whole number of at least 1",
        ),
        ("parity", &["--exact", "--seed", "1"], "--exact repeats a run with seed 0"),
        (
            "vanishing",
            &["--depth", "201"],
            "invalid value '201' for '--depth <DEPTH>': 201 is not in 1..=200",
        ),
    ];
    for (name, flags, expected) in cases {
        Scratch::new(name, "bad").refused(name, flags, expected);
    }
}
