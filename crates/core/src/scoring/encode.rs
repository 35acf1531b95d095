//! What is made of every row of a part before any are compared: its hash, and a code for all clusters that it probes.

use rayon::prelude::*;

use crate::scoring::part::{Part, place_in};
use crate::similarity::codes::{Codes, CodesMut};
use crate::similarity::embeddings;
use crate::similarity::embeddings::{UnitEmbeddings, prefetch};
use crate::similarity::kernels::isa::Isa;

/// Rows that a thread encodes in one go.
const TOGETHER: usize = 1024;

/// What is made of each row of a part, by its place.
pub(crate) struct Encodings {
    /// The rows relative to zero. That loses more than relative to a centroid, but one code serves for every cluster. None
    /// where rows probe no others.
    pub(crate) whole: Codes,
    /// The similarity of each row to the centroids that it probes, rows × probes.
    pub(crate) to_probes: Vec<f32>,
    /// The hash of each row's bits.
    pub(crate) hash: Vec<u64>,
}

/// Where the results of some rows go.
struct Chunk<'a> {
    hash: &'a mut [u64],
    probing: Option<(CodesMut<'a>, &'a mut [f32])>,
}

impl Encodings {
    pub(crate) fn of(part: &Part, centroids: &UnitEmbeddings) -> Self {
        let (rows, dim, probes) = (part.numbers.len(), part.rows.dim(), part.probes_per_row());
        let mut whole = Codes::zeros(if probes > 0 { rows } else { 0 }, dim);
        let mut to_probes = vec![0.0; rows * probes];
        let mut hash = vec![0; rows];
        let probing: Vec<_> = if probes > 0 {
            let to_probes = to_probes.par_chunks_mut(TOGETHER * probes);
            whole.chunks_mut(TOGETHER).zip(to_probes).map(Some).collect()
        } else {
            (0..rows.div_ceil(TOGETHER)).map(|_| None).collect()
        };
        let chunks = hash.par_chunks_mut(TOGETHER).zip(probing).enumerate();
        chunks.for_each_init(
            || vec![0.0; dim],
            |buffer, (chunk, (hash, probing))| {
                Chunk { hash, probing }.encode((part, chunk * TOGETHER), centroids, buffer);
            },
        );
        Self { whole, to_probes, hash }
    }
}

impl Chunk<'_> {
    /// Encodes the rows of a part from a place on.
    fn encode(mut self, (part, first): (&Part, usize), centroids: &UnitEmbeddings, buffer: &mut [f32]) {
        let zero = vec![0.0; part.rows.dim()];
        for (i, hash) in self.hash.iter_mut().enumerate() {
            let place = first + i;
            let row = part.rows.row(place, buffer);
            *hash = embeddings::hash(row);
            let Some((whole, to_probes)) = &mut self.probing else { continue };
            let probed =
                part.probes(place).iter().map(|&c| place_in(part, c).map(|_| centroids.row(c as usize)));
            // While the row is encoded, the centroids arrive.
            probed.clone().flatten().for_each(prefetch);
            whole.set(i, row, &zero, &zero);
            for (to_probe, centroid) in to_probes[i * probed.len()..].iter_mut().zip(probed) {
                *to_probe = centroid.map_or(0.0, |centroid| Isa::detect().dot(row, centroid));
            }
        }
    }
}
