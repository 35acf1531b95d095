//! Centroids in groups of similar ones, so that a row need not be compared with all.

use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;

/// Up to so many centroids are compared one by one; more are found through groups of similar centroids.
pub(crate) const FLAT: usize = 2048;

/// A row or centroid that is so similar to the centre of a group is encoded relative to it, because relative to zero it could
/// not be told from others that are.
pub(crate) const NEAR: f32 = 0.99;

/// So many centroids that lie near each other are a group of their own, where otherwise all are compared one by one.
const CROWD: usize = 64;

/// A centroid is compared with the first ones of so many crowds before it to find out whether it belongs to one.
const RECENT: usize = 32;

/// The first so many centroids that a row is compared with lie far from each other.
const EARLY: usize = 64;

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) centroids: Vec<u32>,
    /// Relative to the centre: by distance for rows that are near it, and for all others.
    pub(crate) panels: Panels,
    pub(crate) panels_for_whole: Panels,
    /// The greatest distance of a centroid from the centre.
    pub(crate) radius: f32,
}

impl Group {
    pub(crate) fn of(centroids: &UnitEmbeddings, members: Vec<u32>, centre: &[f32]) -> Self {
        let rows = || members.iter().map(|&c| centroids.row(c as usize));
        let codes = Codes::encode(rows(), centre, centre);
        let panels = Panels::pack_by_distance(&codes);
        let apart = rows().map(|row| Isa::detect().squared_distance(row, centre).sqrt());
        let radius = apart.reduce(f32::max).unwrap_or(0.0) + 1e-3;
        Self { panels_for_whole: panels.clone().for_whole_queries(), panels, radius, centroids: members }
    }
}

/// Few centroids are one group, of which all are compared, but for those that lie close together.
pub(crate) fn crowds(centroids: &UnitEmbeddings) -> (UnitEmbeddings, Vec<Vec<u32>>) {
    let mut leaders: Vec<Vec<u32>> = Vec::new();
    for c in 0..centroids.len() as u32 {
        let similar =
            |other: u32| Isa::detect().dot(centroids.row(other as usize), centroids.row(c as usize)) >= NEAR;
        // Centroids of a crowd were trained together, so they have near numbers.
        match leaders.iter_mut().rev().take(RECENT).find(|members| similar(members[0])) {
            Some(members) => members.push(c),
            None => leaders.push(vec![c]),
        }
    }
    let (crowds, alone): (Vec<Vec<u32>>, Vec<_>) =
        leaders.into_iter().partition(|members| members.len() >= CROWD);
    let mut rest: Vec<u32> = alone.into_iter().flatten().collect();
    // Of each part of the space a centroid comes early, so that a row soon has one to which most others are nothing.
    let apart = centroids.len().div_ceil(EARLY) as u32;
    rest.sort_unstable_by_key(|&c| (c % apart, c));
    let groups: Vec<Vec<u32>> =
        std::iter::once(rest).chain(crowds).filter(|group| !group.is_empty()).collect();
    let mut centres = UnitEmbeddings::empty(centroids.dim());
    groups.iter().for_each(|members| centres.push_unit(&mean(centroids, members)));
    (centres, groups)
}

fn mean(rows: &UnitEmbeddings, members: &[u32]) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.dim()];
    members.iter().for_each(|&row| Isa::detect().add(&mut sum, rows.row(row as usize)));
    sum.iter().map(|x| (x / members.len() as f64) as f32).collect()
}
