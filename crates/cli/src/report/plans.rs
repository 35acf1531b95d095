//! What a command would do (`--dry-run`).

use indicatif::HumanBytes;
use semdedup::{ClusterPlan, Plan, PlanFile};

use crate::numbers::{count, duration};
use crate::table::{Facts, Side, columns};

const FILE_COLUMNS: [(&str, Side); 7] = [
    ("rows", Side::Right),
    ("bytes", Side::Right),
    ("text", Side::Left),
    ("image", Side::Left),
    ("id", Side::Left),
    ("embedding", Side::Left),
    ("file", Side::Left),
];

/// Renders what `run` would do: a line for each input file, then the whole run.
pub fn run_plan_table(plan: &Plan) -> String {
    let header = FILE_COLUMNS.map(|(name, _)| name.to_owned()).to_vec();
    let rows: Vec<_> = std::iter::once(header).chain(plan.files.iter().map(file_cells)).collect();
    let mut facts = Facts::default();
    facts.add("compared", plan.compared.to_string());
    facts.add("rows", count(plan.rows));
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("memory", format!("about {}", HumanBytes(plan.memory_bytes)));
    let free = plan.free_bytes.map_or(String::new(), |free| format!(" ({} free)", HumanBytes(free)));
    facts.add("disk", format!("about {}{free}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}", duration(plan.seconds)));
    facts.add("results", format!("{} ({})", plan.out.display(), plan.written.join(", ")));
    facts.add("work", plan.work.display().to_string());
    let files = columns(&rows, &FILE_COLUMNS.map(|(_, side)| side));
    format!("{files}\n{}\nnothing was written (--dry-run)\n", facts.text())
}

/// Returns the cells of `FILE_COLUMNS` for an input file.
fn file_cells(file: &PlanFile) -> Vec<String> {
    let name = |column: &Option<String>| column.clone().unwrap_or_else(|| "-".to_owned());
    let embeddings = file.embeddings.as_ref().map(|path| path.display().to_string());
    vec![
        count(file.rows),
        HumanBytes(file.bytes).to_string(),
        name(&file.text_column),
        name(&file.image_column),
        name(&file.id_column),
        embeddings.unwrap_or_else(|| name(&file.embedding_column)),
        file.path.display().to_string(),
    ]
}

/// Renders what `cluster` and then `score` would do.
pub fn cluster_plan_table(plan: &ClusterPlan) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(plan.rows));
    facts.add("dimension", plan.dim.to_string());
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("disk", format!("about {}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}, with scoring", duration(plan.seconds)));
    format!("{}\nnothing was written (--dry-run)\n", facts.text())
}
