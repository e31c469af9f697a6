//! The packages as users get them: what their manifests say, and what the lock file holds.

use super::documentation::read;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The packages for users; the others are marked as not to be published.
pub(super) const PUBLISHED: [&str; 5] = ["tape", "gradcheck", "nn", "nn-derive", "nn-plot"];

/// The folder of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The right side of `key = ...` in a manifest.
fn value<'m>(manifest: &'m str, key: &str) -> &'m str {
    let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    line.map(str::trim).unwrap_or_default()
}

#[test]
fn every_published_package_says_what_a_registry_shows() {
    for name in PUBLISHED {
        let manifest = read(&format!("crates/{name}/Cargo.toml"));
        assert_eq!(value(&manifest, "name"), format!("\"{name}\""));
        for key in ["version.workspace", "edition.workspace", "rust-version.workspace", "license.workspace"] {
            assert_eq!(value(&manifest, key), "true", "{name}: {key}");
        }
        assert!(value(&manifest, "description").len() > 20, "{name}: a description");
        assert_eq!(value(&manifest, "readme"), "\"README.md\"", "{name}");
        let readme = read(&format!("crates/{name}/README.md"));
        assert!(readme.starts_with(&format!("# {name}\n")), "{name}: its README begins with its name");
        // A registry takes at most five of each, of at most 20 characters.
        for key in ["keywords", "categories"] {
            let words: Vec<&str> = value(&manifest, key).split('"').skip(1).step_by(2).collect();
            assert!((1..=5).contains(&words.len()), "{name}: {key}, found {words:?}");
            assert!(key == "categories" || words.iter().all(|word| word.len() <= 20), "{name}: {words:?}");
        }
        let settings = manifest.split("[package.metadata.docs.rs]").nth(1).unwrap_or_default();
        assert_eq!(value(settings, "all-features"), "true", "{name}: all features on docs.rs");
        assert_eq!(
            value(settings, "rustdoc-args"),
            "[\"--cfg\", \"docsrs\"]",
            "{name}: features named on docs.rs"
        );
        assert!(!manifest.contains("path = \"../"), "{name}: a dependency without a version: {manifest}");
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(read(&format!("crates/{name}/{file}")), read(file), "{name}");
        }
    }
    for name in ["tests", "examples", "benches"] {
        assert_eq!(value(&read(&format!("{name}/Cargo.toml")), "publish"), "false", "{name} is for us alone");
    }
}

/// Each comes in the versions of two users that cannot agree.
const TWICE: [(&str, &str); 3] = [
    ("miniz_oxide", "`png`, of nn-plot's feature `png`, wants an older one than `flate2`"),
    ("roxmltree", "`fontconfig-parser`, of the same feature, wants an older one than `usvg`"),
    ("syn", "`enum-as-inner`, which `gemm-common` needs on Apple's systems alone, wants version 2"),
];

#[test]
fn every_dependency_is_there_in_one_version() {
    let lock = read("Cargo.lock");
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    lock.lines().filter_map(|line| line.strip_prefix("name = ")).for_each(|name| {
        *count.entry(name.trim_matches('"')).or_default() += 1;
    });
    assert!(count.len() > 100, "the lock file is read");
    let found: Vec<&str> = count.iter().filter(|&(_, &count)| count > 1).map(|(&name, _)| name).collect();
    assert_eq!(
        found,
        TWICE.map(|(name, _)| name),
        "packages in several versions: `cargo tree -d` names their users"
    );
}
