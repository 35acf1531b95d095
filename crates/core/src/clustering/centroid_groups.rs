//! Groups of similar centroids, the first level of the assigner's two-level index.

use crate::clustering::probes::NO_CLUSTER;
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;
use crate::similarity::thresholds::RELATIVE_ENCODING_MIN_COSINE;

/// The most centroids that a row is compared with one by one. If there are more, rows find them
/// through groups.
pub(super) const MAX_FLAT_CENTROIDS: usize = 2048;

/// Up to [`MAX_FLAT_CENTROIDS`], at least this many centroids close to each other are a group of
/// their own.
const MIN_DENSE_GROUP: usize = 64;

/// To find its dense group, a centroid is compared with the first members of this many groups
/// before it.
const RECENT: usize = 32;

/// About the first this many centroids that a row is compared with are far from each other.
const SPREAD: usize = 64;

/// Similar centroids with a common centre, encoded relative to it.
#[derive(Debug)]
pub(super) struct Group {
    /// The numbers of the centroids.
    pub(super) centroids: Vec<u32>,
    /// The centroids for rows near the centre, which are encoded relative to it too.
    pub(super) panels: Panels,
    /// The centroids for all other rows, which are encoded relative to zero.
    pub(super) panels_for_whole: Panels,
    /// The greatest distance of a centroid from the centre, with a margin for rounding.
    pub(super) radius: f32,
}

impl Group {
    pub(super) fn new(centroids: &UnitEmbeddings, members: Vec<u32>, centre: &[f32]) -> Self {
        let rows = || members.iter().map(|&c| centroids.row(c as usize));
        let codes = Codes::encode_alike(rows(), centre, centre);
        let panels = Panels::pack_by_distance(&codes);
        let distances = rows().map(|row| Isa::detect().squared_distance(row, centre).sqrt());
        let radius = distances.reduce(f32::max).unwrap_or(0.0) + 1e-3;
        Self { panels_for_whole: panels.clone().for_whole_queries(), panels, radius, centroids: members }
    }
}

/// A partition of the centroids into groups.
pub(super) struct CentroidGroups {
    /// The centre of each group.
    pub(super) centres: UnitEmbeddings,
    /// The centroids of each group, never none.
    pub(super) members: Vec<Vec<u32>>,
}

impl CentroidGroups {
    /// Groups at most [`MAX_FLAT_CENTROIDS`] centroids. Every dense group of at least
    /// [`MIN_DENSE_GROUP`] centroids is a group; all other centroids are one group together. A row
    /// is compared with the centroids of every group.
    pub(super) fn dense(centroids: &UnitEmbeddings) -> Self {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for c in 0..centroids.len() as u32 {
            let is_close = |other: u32| {
                Isa::detect().dot(centroids.row(other as usize), centroids.row(c as usize))
                    >= RELATIVE_ENCODING_MIN_COSINE
            };
            // Close centroids were trained together, so they have neighbouring numbers.
            match groups.iter_mut().rev().take(RECENT).find(|members| is_close(members[0])) {
                Some(members) => members.push(c),
                None => groups.push(vec![c]),
            }
        }
        let (dense, alone): (Vec<Vec<u32>>, Vec<_>) =
            groups.into_iter().partition(|members| members.len() >= MIN_DENSE_GROUP);
        let mut rest: Vec<u32> = alone.into_iter().flatten().collect();
        // A centroid of each region comes early. So a row soon finds a similar one, which rules out
        // most others.
        let stride = centroids.len().div_ceil(SPREAD) as u32;
        rest.sort_unstable_by_key(|&c| (c % stride, c));
        let members: Vec<Vec<u32>> =
            std::iter::once(rest).chain(dense).filter(|group| !group.is_empty()).collect();
        let mut centres = UnitEmbeddings::empty(centroids.dim());
        members.iter().for_each(|members| centres.push_unit(&mean(centroids, members)));
        Self { centres, members }
    }

    /// Groups centroids by their nearest centre. `nearest[c]` is the centre of centroid `c`; a
    /// centroid without direction has [`NO_CLUSTER`], and joins the first group. Centres without
    /// centroids are dropped.
    pub(super) fn by_nearest(all_centres: &UnitEmbeddings, nearest: &[u32]) -> Self {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); all_centres.len()];
        let group = |group: u32| if group == NO_CLUSTER { 0 } else { group as usize };
        nearest.iter().zip(0..).for_each(|(&nearest, c)| members[group(nearest)].push(c));
        let mut centres = UnitEmbeddings::empty(all_centres.dim());
        (0..members.len())
            .filter(|&g| !members[g].is_empty())
            .for_each(|g| centres.push_unit(all_centres.row(g)));
        members.retain(|members| !members.is_empty());
        Self { centres, members }
    }
}

/// Returns the mean of some rows. It need not have unit length.
fn mean(rows: &UnitEmbeddings, members: &[u32]) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.dim()];
    members.iter().for_each(|&row| Isa::detect().add(&mut sum, rows.row(row as usize)));
    sum.iter().map(|x| (x / members.len() as f64) as f32).collect()
}
