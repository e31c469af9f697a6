//! The areas of the crates, and a sample of their mutants.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::mutants::{Mutant, mutants};

/// An area, and its files and folders below `crates/`.
pub struct Area {
    pub name: &'static str,
    paths: &'static [&'static str],
}

/// The areas. A file belongs to the first that names it or a folder around it. The rules of operations have their
/// own command, `.ci/mutants`.
pub const AREAS: &[Area] = &[
    Area {
        name: "shapes and broadcasting",
        paths: &[
            "tape/src/shape.rs",
            "tape/src/index.rs",
            "tape/src/operand.rs",
            "tape/src/tensor/access.rs",
            "tape/src/tensor/create.rs",
            "tape/src/tensor/grid.rs",
            "tape/src/tensor/kernel.rs",
            "tape/src/tensor/reduce.rs",
            "tape/src/tensor/view.rs",
            "tape/src/methods",
        ],
    },
    Area {
        name: "gradients",
        paths: &[
            "tape/src/sweep/gradients.rs",
            "tape/src/sweep/handles.rs",
            "tape/src/sweep/methods.rs",
            "tape/src/transform.rs",
            "tape/src/custom.rs",
            "tape/src/tape/parameter.rs",
            "nn/src/optim/gradients.rs",
            "nn/src/parameters.rs",
        ],
    },
    Area { name: "sweeps", paths: &["tape/src/sweep", "tape/src/tape"] },
    Area { name: "programs", paths: &["tape/src/program"] },
    Area { name: "schedules", paths: &["nn/src/optim/schedule"] },
    Area { name: "optimizers", paths: &["nn/src/optim"] },
    Area { name: "losses", paths: &["nn/src/loss", "nn/src/functional/loss.rs"] },
    Area {
        name: "readers",
        paths: &[
            "nn/src/files",
            "nn/src/checkpoint",
            "nn/src/data/columns.rs",
            "nn/src/data/csv.rs",
            "nn/src/data/idx.rs",
            "nn/src/data/mnist.rs",
            "nn/src/data/table.rs",
        ],
    },
    Area { name: "splits and batches", paths: &["nn/src/data"] },
];

/// Files that mutants are not drawn from: tests, and what plants faults for tests.
const LEFT_OUT: &[&str] = &["tests.rs", "faults.rs"];

/// A mutant of the sample.
pub struct Drawn {
    pub area: &'static str,
    /// Relative to the tree.
    pub file: PathBuf,
    pub mutant: Mutant,
}

impl Drawn {
    /// Where the mutant is and what it is, unique in the sample.
    pub fn name(&self) -> String {
        let Mutant { line, column, text, .. } = &self.mutant;
        format!("{}:{line}:{column}: {text}", self.file.display())
    }
}

/// Draws `size` mutants of every area, the same ones in every run on the same sources. Also returns how many there
/// are of each area.
pub fn sample(tree: &Path, size: usize) -> io::Result<(Vec<Drawn>, Vec<usize>)> {
    let mut by_area: Vec<Vec<Drawn>> = AREAS.iter().map(|_| Vec::new()).collect();
    let mut files = Vec::new();
    for package in ["tape", "nn"] {
        sources(&tree.join("crates").join(package).join("src"), &mut files)?;
    }
    for path in files {
        let file = path.strip_prefix(tree).unwrap_or(&path).to_owned();
        let below = file.strip_prefix("crates").unwrap_or(&file);
        let Some(area) = AREAS.iter().position(|area| area.paths.iter().any(|at| below.starts_with(at)))
        else {
            continue;
        };
        if LEFT_OUT.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        let found = mutants(&fs::read_to_string(&path)?).map_err(io::Error::other)?;
        let name = AREAS[area].name;
        by_area[area].extend(found.into_iter().map(|mutant| Drawn {
            area: name,
            file: file.clone(),
            mutant,
        }));
    }
    let counts = by_area.iter().map(Vec::len).collect();
    let draw = |mut of: Vec<Drawn>| {
        of.sort_by_cached_key(|drawn| hash(&drawn.name()));
        of.truncate(size);
        of
    };
    Ok((by_area.into_iter().flat_map(draw).collect(), counts))
}

/// Collects the source files below a folder, sorted.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// FNV-1a, with the final mixing of SplitMix64: names that differ in one digit are far apart in the order.
fn hash(name: &str) -> u64 {
    const SEED: u64 = 0xcbf2_9ce4_8422_2325;
    let mut hash =
        name.bytes().fold(SEED, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
