//! Inside each cluster: every row's highest similarity with the rows that rank before it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::assign::{NO_CLUSTER, lane_of};
use crate::embeddings::UnitEmbeddings;
use crate::kernels::{BLOCK, Isa, LANES, Panels, Products, largest};
use crate::rank::{RankKey, Ranking};

/// A group of whole clusters, the unit of work: no pair reaches across two parts.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The rows, in any order that keeps the rows of one cluster ascending by number.
    pub rows: &'a UnitEmbeddings,
    /// Each row's number in the whole data.
    pub numbers: &'a [u64],
    /// Each row's cluster, or [`NO_CLUSTER`].
    pub cluster: &'a [u32],
    /// Each row's cosine similarity to its centroid.
    pub similarity: &'a [f32],
}

/// The score of a row whose vector another row has that ranks before it, and of no other row.
pub const EXACT: f32 = 1.0;

/// What the comparison found, in the order of the part's rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// The highest cosine similarity with a row of the same cluster that ranks before, in [0, 1]; 0 where there is
    /// none; [`EXACT`] only for the same vector.
    pub score: Vec<f32>,
    /// The number (in the whole data) of the row that reaches it, the earliest-ranking on a tie.
    pub duplicate_of: Vec<Option<u64>>,
}

/// Scores every row of a part: `score[j] = max ⟨e_i, e_j⟩` over the rows i of j's cluster that rank before j
/// (SemDeDup, section 3; the reference code's rule, in which i may itself be removed).
pub fn score(part: &Part, ranking: &Ranking) -> Scores {
    let groups = groups(part, ranking);
    let tasks: Vec<(usize, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(g, group)| (0..group.distinct.len()).step_by(BLOCK).map(move |first| (g, first)))
        .collect();
    let compared: Vec<Vec<Best>> =
        tasks.par_iter().map(|&(g, first)| compare(part.rows, &groups[g], first)).collect();

    let mut scores = Scores { score: vec![0.0; part.rows.len()], duplicate_of: vec![None; part.rows.len()] };
    for (&(g, first), best) in tasks.iter().zip(&compared) {
        for (position, best) in (first..).zip(best) {
            let row = groups[g].distinct[position];
            scores.score[row] = best.similarity.clamp(0.0, EXACT.next_down()) + 0.0; // −0 becomes +0
            scores.duplicate_of[row] = best.position.map(|p| part.numbers[groups[g].distinct[p]]);
        }
    }
    for group in &groups {
        group.write_copies(part, &mut scores);
    }
    scores
}

/// A cluster, ranked, each vector once.
struct Group {
    /// The rows that are compared, in rank order: of rows with the same vector only the first-ranking.
    distinct: Vec<usize>,
    /// The other rows, each with the position in `distinct` of the row that it copies.
    copies: Vec<(usize, usize)>,
    panels: Panels,
}

impl Group {
    /// Copies need no comparison: nothing is more similar than the same vector. A zero vector is similar to nothing,
    /// not even to another one: all its similarities are 0, and the earliest-ranking row reaches that.
    fn write_copies(&self, part: &Part, scores: &mut Scores) {
        for &(row, of) in &self.copies {
            let original = self.distinct[of];
            let zero = part.rows.row(original).iter().all(|&x| x == 0.0);
            scores.score[row] = if zero { 0.0 } else { EXACT };
            scores.duplicate_of[row] = Some(part.numbers[if zero { self.distinct[0] } else { original }]);
        }
    }
}

fn groups(part: &Part, ranking: &Ranking) -> Vec<Group> {
    let mut by_cluster: BTreeMap<u32, Vec<(RankKey, usize)>> = BTreeMap::new();
    for (row, &cluster) in part.cluster.iter().enumerate().filter(|&(_, &c)| c != NO_CLUSTER) {
        let key = ranking.key(part.similarity[row], part.numbers[row]);
        by_cluster.entry(cluster).or_default().push((key, row));
    }
    by_cluster.into_par_iter().map(|(_, members)| group(part.rows, members)).collect()
}

fn group(rows: &UnitEmbeddings, mut members: Vec<(RankKey, usize)>) -> Group {
    members.sort_unstable();
    let (mut distinct, mut copies) = (Vec::with_capacity(members.len()), Vec::new());
    // Positions in `distinct` by the hash of the vector. A BTreeMap, because its behaviour has no hidden seed.
    let mut seen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (_, row) in members {
        let same_hash = seen.entry(hash(rows.row(row))).or_default();
        match same_hash.iter().find(|&&p| rows.row(distinct[p]) == rows.row(row)) {
            Some(&position) => copies.push((row, position)),
            None => {
                same_hash.push(distinct.len());
                distinct.push(row);
            }
        }
    }
    let panels = Panels::pack(distinct.iter().map(|&row| rows.row(row)), rows.dim());
    Group { distinct, copies, panels }
}

/// A hash of a row's bits; equal rows are confirmed by comparing them.
fn hash(row: &[f32]) -> u64 {
    row.iter().fold(0x9E37_79B9_7F4A_7C15, |h: u64, x| {
        (h.rotate_left(23) ^ u64::from(x.to_bits())).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    })
}

#[derive(Debug, Clone, Copy)]
struct Best {
    similarity: f32,
    position: Option<usize>,
}

/// The best earlier-ranking row for each of a block of ranked rows: one block against all panels before its end.
fn compare(rows: &UnitEmbeddings, group: &Group, first: usize) -> Vec<Best> {
    let isa = Isa::detect();
    let last = (first + BLOCK).min(group.distinct.len());
    let block: Vec<&[f32]> = group.distinct[first..last].iter().map(|&row| rows.row(row)).collect();
    let mut best = vec![Best { similarity: f32::NEG_INFINITY, position: None }; block.len()];
    let mut products: Products = [[0.0; LANES]; BLOCK];
    for (panel_first, _, panel) in group.panels.iter().take_while(|&(panel_first, ..)| panel_first < last) {
        isa.products(&block, panel, &mut products);
        for (i, (lanes, best)) in products.iter_mut().zip(&mut best).enumerate() {
            // Only rows that rank before this one; panels before the block pass whole.
            let earlier = (first + i).saturating_sub(panel_first).min(LANES);
            lanes[earlier..].fill(f32::NEG_INFINITY);
            let max = largest(lanes);
            // Strictly: on a tie the earlier-ranking row stays, and panels come in rank order.
            if max > best.similarity {
                *best = Best { similarity: max, position: Some(panel_first + lane_of(lanes, max)) };
            }
        }
    }
    best
}
