//! The command `calibrate`: what labels say of a finished run.

use std::path::{Path, PathBuf};

use crate::calibrate::bands;
use crate::calibrate::choose::choose;
use crate::calibrate::curve::{Curves, grid};
use crate::calibrate::group_curve::{self, Matches};
use crate::calibrate::judged_pairs::JudgedPairs;
use crate::calibrate::label_rows::read_labels;
use crate::calibrate::pair_curve;
use crate::calibrate::population::Population;
use crate::calibrate::report::{Calibration, LabelKind};
use crate::calibrate::row_groups::RowGroups;
use crate::commands::guards::check_free;
use crate::error::{Error, Result};
use crate::inspect::finished_run::FinishedRun;
use crate::options::default_epsilon;
use crate::storage::atomic::write_atomically;

/// The fewest labels that say anything.
const LEAST_LABELS: u64 = 20;

/// The labels by which ε is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labels {
    /// A file of labelled pairs, with the columns `id_a`, `id_b` and `same`.
    Pairs(PathBuf),
    /// A column of the input of the run: rows with an equal value say the same.
    GroupColumn(String),
}

/// Options of [`calibrate`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CalibrateOptions {
    /// The labels.
    pub labels: Labels,
    /// The precision for which to choose ε, above 0 and at most 1; none chooses nothing.
    pub precision: Option<f64>,
    /// The seed by which the labels are divided into halves.
    pub seed: u64,
    /// Where to write a plot, as SVG.
    pub svg: Option<PathBuf>,
    /// Whether the plot may replace a file.
    pub overwrite: bool,
}

impl CalibrateOptions {
    /// Looks at these labels, with the seed 0; chooses nothing and plots nothing.
    pub fn new(labels: Labels) -> Self {
        Self { labels, precision: None, seed: 0, svg: None, overwrite: false }
    }
}

/// Says what labels tell about each ε of a finished run: how often a removal is right, and how much of
/// what says the same is found; and chooses the largest ε with the precision that is asked for. `result`
/// is the output folder of a run, or its work directory. Embeds nothing.
///
/// # Errors
/// No finished run, labels that cannot be read or that are too few, a precision out of range, or a plot
/// that would replace a file.
pub fn calibrate(result: &Path, options: &CalibrateOptions) -> Result<Calibration> {
    if let Some(target) = options.precision.filter(|target| !(*target > 0.0 && *target <= 1.0)) {
        return Err(Error::usage(format!("a precision of {target} is not above 0 and at most 1"))
            .hint("--precision 0.95 asks for 95 % of the removals to be right"));
    }
    if let Some(svg) = &options.svg {
        check_free(svg, options.overwrite)
            .map_err(|error| error.hint("--overwrite replaces it; or name another --svg"))?;
    }
    let run = FinishedRun::open(result)?;
    let calibration = run.calibrate(options)?;
    if let Some(svg) = &options.svg {
        write_atomically(svg, calibration.svg().as_bytes())?;
    }
    Ok(calibration)
}

impl FinishedRun {
    /// Returns the ε of the run, or the default one if no result was written.
    pub(crate) fn epsilon(&self) -> f64 {
        self.summary().map_or_else(|| default_epsilon(self.scores.by), |summary| summary.epsilon)
    }

    fn calibrate(&self, options: &CalibrateOptions) -> Result<Calibration> {
        let epsilons = grid(self.epsilon());
        let mut found = match &options.labels {
            Labels::Pairs(path) => self.by_pairs(path, options.seed, &epsilons)?,
            Labels::GroupColumn(column) => self.by_groups(column, options.seed, &epsilons)?,
        };
        let choice = options.precision.map(|target| choose(&found.curves, target));
        found.calibration.finish(found.curves, choice);
        Ok(found.calibration)
    }

    fn by_pairs(&self, path: &Path, seed: u64, epsilons: &[f64]) -> Result<Found> {
        let labels = read_labels(path)?;
        if !labels.has_bands {
            let judged = JudgedPairs::by_embeddings(self, labels)?;
            judged.check_enough(LEAST_LABELS)?;
            let curves = pair_curve::curves(&judged.pairs, epsilons, seed);
            let mut calibration = Calibration::new(LabelKind::Pairs, self.epsilon());
            calibration.pairs = Some(judged.counts);
            return Ok(Found { calibration, curves });
        }
        let population = Population::read(self)?;
        let judged = JudgedPairs::by_band(self, &labels, &population)?;
        judged.check_enough(LEAST_LABELS)?;
        let curves = bands::curves(&judged.pairs, &population.rows, epsilons, seed);
        let mut calibration = Calibration::new(LabelKind::Bands, self.epsilon());
        calibration.bands = bands::bands(&judged.pairs, &population.rows, self.epsilon());
        calibration.pairs = Some(judged.counts);
        Ok(Found { calibration, curves })
    }

    fn by_groups(&self, column: &str, seed: u64, epsilons: &[f64]) -> Result<Found> {
        let groups = RowGroups::read(self, column, seed)?;
        let counts = group_curve::counts(&groups);
        if counts.rows_with_sibling < LEAST_LABELS {
            let problem = format!(
                "--group-column {column}: {} rows share their value with another row; at least {LEAST_LABELS} are needed",
                counts.rows_with_sibling
            );
            return Err(
                Error::usage(problem).hint("name a column that has equal values where rows say the same")
            );
        }
        let columns = self.scores.columns()?;
        let matches = Matches { score: &columns.score, duplicate_of: &columns.duplicate_of };
        let curves = group_curve::curves(matches, &groups, epsilons);
        let mut calibration = Calibration::new(LabelKind::Groups, self.epsilon());
        calibration.groups = Some(counts);
        Ok(Found { calibration, curves })
    }
}

/// What the labels say, and what is known about them.
struct Found {
    calibration: Calibration,
    curves: Curves,
}
