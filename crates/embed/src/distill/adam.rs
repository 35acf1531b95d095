//! Adam (Kingma and Ba 2015, arXiv 1412.6980).

use rayon::prelude::*;

/// The decay of the mean of the gradients.
const BETA1: f32 = 0.9;
/// The decay of the mean of their squares.
const BETA2: f32 = 0.99;
const SMALL: f32 = 1e-8;

/// The state of Adam for some rows of parameters.
pub(super) struct Adam {
    columns: usize,
    means: Vec<f32>,
    squares: Vec<f32>,
    steps: i32,
}

impl Adam {
    pub fn new(rows: usize, columns: usize) -> Self {
        let zeros = vec![0.0; rows * columns];
        Self { columns, means: zeros.clone(), squares: zeros, steps: 0 }
    }

    /// Takes a step. `gradient` adds the gradient of a row of parameters to zeros.
    pub fn step(&mut self, parameters: &mut [f32], rate: f32, gradient: impl Fn(usize, &mut [f32]) + Sync) {
        self.steps += 1;
        let (mean_scale, square_scale) =
            (1.0 / (1.0 - BETA1.powi(self.steps)), 1.0 / (1.0 - BETA2.powi(self.steps)));
        let columns = self.columns;
        let rows = parameters
            .par_chunks_mut(columns)
            .zip(self.means.par_chunks_mut(columns).zip(self.squares.par_chunks_mut(columns)));
        rows.enumerate().for_each_init(
            || vec![0.0; columns],
            |slopes, (row, (parameters, (means, squares)))| {
                slopes.fill(0.0);
                gradient(row, slopes);
                let state = means.iter_mut().zip(squares);
                for ((parameter, slope), (mean, square)) in
                    parameters.iter_mut().zip(slopes.iter()).zip(state)
                {
                    *mean = BETA1 * *mean + (1.0 - BETA1) * slope;
                    *square = BETA2 * *square + (1.0 - BETA2) * slope * slope;
                    *parameter -= rate * (*mean * mean_scale) / ((*square * square_scale).sqrt() + SMALL);
                }
            },
        );
    }
}
