//! Preparation of a part: for every row, its hash and one code for all clusters that it probes.

use rayon::prelude::*;

use crate::scoring::part::Part;
use crate::similarity::codes::{Codes, CodesMut};
use crate::similarity::embeddings::{self, UnitEmbeddings, prefetch};
use crate::similarity::kernels::isa::Isa;

/// The rows that a thread encodes per task.
const ROWS_PER_TASK: usize = 1024;

/// The codes, hashes and similarities of the rows of a part, by place.
pub(super) struct PartEncodings {
    /// The rows relative to zero; no rows if rows have no probes. These codes lose more than codes
    /// relative to a centroid, but one code serves for every cluster.
    pub(super) whole: Codes,
    /// The similarity of each row to the centroids that it probes: rows × probes.
    pub(super) to_probes: Vec<f32>,
    /// The hash of each row's bits.
    pub(super) hash: Vec<u64>,
}

/// The output of one task.
struct Chunk<'a> {
    hash: &'a mut [u64],
    probing: Option<Probing<'a>>,
}

/// The output for rows with probes.
struct Probing<'a> {
    whole: CodesMut<'a>,
    to_probes: &'a mut [f32],
}

impl PartEncodings {
    pub(super) fn new(part: &Part, centroids: &UnitEmbeddings) -> Self {
        let (rows, dim, probes) = (part.numbers.len(), part.rows.dim(), part.probes_per_row());
        let mut whole = Codes::zeros(if probes > 0 { rows } else { 0 }, dim);
        let mut to_probes = vec![0.0; rows * probes];
        let mut hash = vec![0; rows];
        let probing: Vec<Option<Probing>> = if probes > 0 {
            let to_probes = to_probes.par_chunks_mut(ROWS_PER_TASK * probes);
            let probing = whole.chunks_mut(ROWS_PER_TASK).zip(to_probes);
            probing.map(|(whole, to_probes)| Some(Probing { whole, to_probes })).collect()
        } else {
            (0..rows.div_ceil(ROWS_PER_TASK)).map(|_| None).collect()
        };
        let chunks = hash.par_chunks_mut(ROWS_PER_TASK).zip(probing).enumerate();
        chunks.for_each_init(
            || vec![0.0; dim],
            |buffer, (chunk, (hash, probing))| {
                Chunk { hash, probing }.encode(part, chunk * ROWS_PER_TASK, centroids, buffer);
            },
        );
        Self { whole, to_probes, hash }
    }
}

impl Chunk<'_> {
    /// Encodes the rows of a part from the place `first` on. `buffer` has room for one row.
    fn encode(mut self, part: &Part, first: usize, centroids: &UnitEmbeddings, buffer: &mut [f32]) {
        let zero = vec![0.0; part.rows.dim()];
        for (i, hash) in self.hash.iter_mut().enumerate() {
            let place = first + i;
            let row = part.rows.row(place, buffer);
            *hash = embeddings::hash(row);
            let Some(Probing { whole, to_probes }) = &mut self.probing else { continue };
            let probed =
                part.probes(place).iter().map(|&c| part.cluster_index(c).map(|_| centroids.row(c as usize)));
            // The centroids are loaded while the row is encoded.
            probed.clone().flatten().for_each(prefetch);
            whole.set(i, row, &zero, &zero);
            for (to_probe, centroid) in to_probes[i * probed.len()..].iter_mut().zip(probed) {
                *to_probe = centroid.map_or(0.0, |centroid| Isa::detect().dot(row, centroid));
            }
        }
    }
}
