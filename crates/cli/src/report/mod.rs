//! The reports of the commands as tables that people read.
//!
//! `run` renders what a run did and `recall` its measured recall, `plans` what a command would do,
//! `compared` the comparison of results, `groups` what became of groups of rows, `stages` what a
//! single stage did, `calibration` what labels say, `facts` the lines that several reports share.

pub mod calibration;
pub mod compared;
pub mod facts;
pub mod groups;
pub mod plans;
pub mod recall;
pub mod run;
pub mod stages;
