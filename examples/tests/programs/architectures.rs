//! The programs that show architectures, each with a small task: they learn and draw.

use super::{Scratch, field, text};
use std::process::Output;

/// Runs a program that must succeed and draw `picture`.
fn succeed(name: &str, flags: &[&str], picture: &str) -> Output {
    let scratch = Scratch::new(name, "run");
    let output = scratch.run(name, flags);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(scratch.0.join("target").join(name).join(picture).exists());
    output
}

#[test]
fn the_better_arm_is_found() {
    let output = succeed("bandit", &["--fast"], "choices.svg");
    let share = field(&output, "better_arm");
    assert!(share > 0.9, "{share}");
    // By chance, one seed in 15,000 is further away.
    let distance = field(&output, "standard_errors");
    assert!(distance < 4.0, "{distance}");
}

#[test]
fn blobs_are_clusters_and_rings_become_some() {
    let output = succeed("clusters", &["--fast"], "clusters.svg");
    assert!(field(&output, "blobs") > 0.95 && field(&output, "blobs_embedded") > 0.95);
    assert!(field(&output, "rings") < 0.6 && field(&output, "rings_embedded") > 0.9);
}

/// The log likelihood is what expectation maximization, which uses no derivatives, reached from five other starts.
#[test]
fn newton_finds_the_maximum_of_the_likelihood_and_the_species() {
    let output = succeed("mixture", &["--fast"], "penguins.svg");
    let log_likelihood = field(&output, "log_likelihood");
    assert!((log_likelihood + 2.403417).abs() < 1e-6, "{log_likelihood}");
    assert!(field(&output, "gradient_norm") < 1e-12);
    assert!(field(&output, "purity") > 0.96 && field(&output, "adjusted_rand") > 0.9);
    let difference = text(&output.stdout).lines().find(|line| line.starts_with("the gradients"));
    let difference = difference.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    assert!(difference.is_some_and(|difference| difference < 1e-14), "{difference:?}");
}

#[test]
fn eight_patterns_get_eight_codes_and_digits_come_through() {
    let output = succeed("autoencoder", &["--fast"], "digits.svg");
    assert_eq!(field(&output, "codes"), 8.0);
    let [mean, linear, deep] = ["mean_image", "linear", "deep"].map(|name| field(&output, name));
    assert!(linear < mean && deep < mean, "{linear} and {deep} against {mean}");
}

#[test]
fn convolutions_learn_digits() {
    let output = succeed("cnn_digits", &["--fast"], "kernels.svg");
    assert!(field(&output, "accuracy") > 0.5);
}

/// A few steps of a tiny model: better than guessing among 63 characters.
#[test]
fn models_of_a_text_learn() {
    let small = ["--fast", "--steps", "30", "--batch", "8", "--length", "16", "--lr", "0.02"];
    let programs: [(&str, &[&str]); 2] = [
        ("char_rnn", &["--hidden", "16"]),
        ("tiny_transformer", &["--width", "8", "--heads", "2", "--blocks", "1"]),
    ];
    for (name, flags) in programs {
        let output = succeed(name, &[&small, flags].concat(), "loss.svg");
        let loss = field(&output, "validation_loss");
        assert!(loss < 0.9 * 63f64.ln(), "{name}: {loss}");
        assert!(text(&output.stdout).contains("\nHAMLET:\n"));
    }
}

#[test]
fn bad_input_is_one_sentence_and_code_2() {
    let cases: [(&str, &[&str], &str); 8] = [
        ("tiny_transformer", &["--heads", "3"], "3 --heads do not divide a --width of 64"),
        ("char_rnn", &["--prompt", "ß"], "the text has no 'ß'"),
        ("char_rnn", &["--text", "no.txt"], "no.txt: No such file or directory (os error 2)"),
        (
            "char_rnn",
            &["--batch", "99999"],
            "expected a text with 6399937 characters for training and 4097 for validation, found 885508 and 98390",
        ),
        ("mixture", &["--lr", "1e300"], "expected a finite log likelihood, found -inf; try a smaller --lr"),
        ("bandit", &["--worse", "0.7"], "expected a --better above --worse"),
        (
            "bandit",
            &["--better", "2"],
            "invalid value '2' for '--better <BETTER>': expected a number from 0 to 1",
        ),
        ("cnn_digits", &["--data", "nowhere"], "nowhere/train-images-idx3-ubyte: no such file"),
    ];
    for (name, flags, expected) in cases {
        Scratch::new(name, "bad").refused(name, flags, expected);
    }
}
