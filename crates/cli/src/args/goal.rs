//! The options that say how much to remove.

use std::error::Error as StdError;
use std::str::FromStr;

use clap::{Args, value_parser};
use semdedup::formats::CompareBy;
use semdedup::{Epsilon, Error, Goal, Result, Similarity, check_goal, default_epsilon};

/// The options that say how much to remove; at most one of them is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "How much to remove (one of)")]
pub struct GoalArgs {
    /// Remove rows whose cosine similarity to a row that ranks before them is above 1 - E; a LARGER
    /// E removes MORE [default: 0.07, for images alone 0.05]
    #[arg(long, value_name = "E", value_parser = epsilon, allow_negative_numbers = true)]
    epsilon: Option<f64>,
    /// Remove rows whose cosine similarity to a row that ranks before them is above S (at least 0,
    /// below 1): another way to say --epsilon 1 - S
    #[arg(long, value_name = "S", value_parser = similarity, allow_negative_numbers = true)]
    similarity: Option<Similarity>,
    /// Keep exactly this share of the rows (above 0, at most 1); the closest duplicates go first
    #[arg(long, value_name = "F", value_parser = fraction, allow_negative_numbers = true)]
    keep_fraction: Option<f64>,
    /// Keep exactly this many rows; the closest duplicates go first
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    keep_rows: Option<u64>,
}

impl GoalArgs {
    /// Returns the goal, or the default one for what is compared.
    ///
    /// # Errors
    /// Fails if the epsilon is out of range.
    pub fn goal(&self, by: CompareBy) -> Result<Goal> {
        match self.given()? {
            Some(goal) => Ok(goal),
            None => epsilon_goal(default_epsilon(by)),
        }
    }

    /// Returns the goal, if the command line has one.
    ///
    /// # Errors
    /// Fails if the epsilon is out of range.
    pub fn given(&self) -> Result<Option<Goal>> {
        let similarity = self.similarity.map(Goal::Similarity);
        let share = self.keep_fraction.map(Goal::KeepFraction);
        match similarity.or(share).or(self.keep_rows.map(Goal::KeepRows)) {
            Some(goal) => Ok(Some(goal)),
            None => self.epsilon.map(epsilon_goal).transpose(),
        }
    }
}

fn epsilon_goal(epsilon: f64) -> Result<Goal> {
    match Epsilon::new(epsilon) {
        Ok(epsilon) => Ok(Goal::Epsilon(epsilon)),
        Err(error) => Err(Error::usage(format!("--epsilon: {error}"))),
    }
}

/// Parses an epsilon. The message of an error states the range, or what was probably meant.
pub fn epsilon(typed: &str) -> std::result::Result<f64, Box<dyn StdError + Send + Sync>> {
    let number = f64::from_str(typed).map_err(|_| "not a number")?;
    let epsilon = Epsilon::new(number)
        .map_err(|_| "epsilon must be above 0 and at most 1; a larger one removes more")?;
    check_goal(Goal::Epsilon(epsilon))?;
    Ok(epsilon.get())
}

/// Parses a similarity above which rows go. The message of an error states the range.
pub fn similarity(typed: &str) -> std::result::Result<Similarity, &'static str> {
    let number = f64::from_str(typed).map_err(|_| "not a number")?;
    Similarity::new(number)
        .map_err(|_| "a similarity must be at least 0 and below 1, such as 0.93; a smaller one removes more")
}

/// Parses the share of the rows to keep.
fn fraction(typed: &str) -> std::result::Result<f64, String> {
    let number = f64::from_str(typed).map_err(|_| "not a number".to_owned())?;
    if number > 0.0 && number <= 1.0 {
        Ok(number)
    } else {
        Err("the share to keep must be above 0 and at most 1".to_owned())
    }
}
