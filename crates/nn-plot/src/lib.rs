//! Pictures for [`nn`]: loss curves, heat maps, decision regions, histograms of weights and gradients, points and bands.
//!
//! A picture is described, then saved. The file's name gives the format: `.svg`, or `.png` with the feature `png`.
//!
//! ```
//! use nn::train::History;
//! use nn_plot::Lines;
//! # let directory = std::env::temp_dir().join(format!("nn-plot-front-{}", std::process::id()));
//! let mut history = History::new(["loss", "validation"]);
//! history.push(&[0.9, 1.0]);
//! history.push(&[0.4, 0.6]);
//! Lines::history("Training", &history).log_y().save(directory.join("loss.svg"))?;
//! # std::fs::remove_dir_all(directory).unwrap();
//! # Ok::<(), nn_plot::PlotError>(())
//! ```
//!
//! | picture | shows |
//! |---|---|
//! | [`Lines`] | curves over one axis: those of a [`History`](nn::train::History), or any |
//! | [`Heatmaps`] | tensors as images: weights, kernels, gradients, digits |
//! | [`Matrices`] | small matrices with the number of each entry: confusion, attention |
//! | [`Regions`] | the decisions of models everywhere in the plane |
//! | [`Histograms`] | the values of weights, gradients or activations |
//! | [`Scatter`] | points in groups |
//! | [`Band`] | predictions with their uncertainty, and observations |
//! | [`Landscape`] | a function over the plane with contours, and paths on it |
//!
//! Points are pairs of numbers; [`pairs`] takes them from a tensor.
//!
//! Values that are not finite are left out, or neutral where a colour is needed; an empty picture is one without data. Data
//! that cannot be drawn, such as an image of the wrong rank, are an error of [`Lines::svg`] and its like. Nothing panics.
//!
//! Colours are distinguishable with any kind of colour vision. In an SVG the viewer sets the text, so that no fonts are
//! needed; a PNG has the fonts of the system and two pixels for each of the SVG. The same data give the same SVG, byte for byte.
//!
//! # Features
//! `png` adds PNG files.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod band;
mod chart;
mod colour;
mod error;
mod heatmaps;
mod histograms;
mod key;
mod landscape;
mod lines;
mod matrices;
mod pairs;
mod picture;
#[cfg(feature = "png")]
mod png;
mod regions;
mod scatter;

pub use band::Band;
pub use error::PlotError;
pub use heatmaps::Heatmaps;
pub use histograms::Histograms;
pub use landscape::Landscape;
pub use lines::Lines;
pub use matrices::{Matrices, Matrix};
pub use pairs::pairs;
pub use regions::{Region, Regions};
pub use scatter::{Cloud, Scatter};

use std::path::Path;

picture::written!(Lines, Heatmaps, Matrices, Regions, Histograms, Scatter, Band, Landscape<'a>);

/// The README of the crate runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
