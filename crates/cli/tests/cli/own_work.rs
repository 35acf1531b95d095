//! What semdedup wrote below a folder is no input of another run over the folder.

use super::support::{Sandbox, jsonl, number, texts};

#[test]
fn the_work_and_the_results_of_every_command_below_the_input_are_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.jsonl", jsonl(&texts(60)));
    sandbox.semdedup("embed in/a.jsonl --out in/embedded").succeeded();
    sandbox.semdedup("cluster in/embedded --out in/clustered --clusters 4").succeeded();
    sandbox.semdedup("run in/a.jsonl --out in/result --work in/work").succeeded();
    sandbox.semdedup("select in/result/scores.parquet --ids-format txt --out in/selected").succeeded();
    for input in ["in", "in/*", "in/**/*"] {
        let plan = sandbox.semdedup(&format!("run {input} --out o --dry-run --json")).succeeded();
        assert_eq!(number(&plan.json(), "rows"), 60, "{input}: {}", plan.stderr);
        for told in [
            "2 work directories of semdedup were left out (embedded, work)",
            "1 folder with the result of an earlier run was left out (result)",
        ] {
            assert!(plan.stderr.contains(told), "{input}: {}", plan.stderr);
        }
    }
    sandbox
        .semdedup("run in/work --out o")
        .failed_with(&["no file to read"])
        .hinted("work directory of semdedup");
}
