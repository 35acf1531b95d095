//! Files of embeddings beside rows or images, and the reports about them.

use crate::beside::*;
use semdedup::formats::{Asked, Cause, ColumnChoice, CompareBy};

#[test]
fn embeddings_beside_rows_are_asked_about() {
    let files = [
        ("metadata_0.jsonl", ROWS),
        ("metadata_1.jsonl", ROWS),
        ("img_emb_0.npy", ""),
        ("img_emb_1.npy", ""),
    ];
    let folder = Folder::new(&files);
    let (question, hint) = folder.question(&Asked::default());
    assert_eq!(
        question,
        "/d: holds 2 files of embeddings (img_emb_0.npy, img_emb_1.npy) beside the rows, and it is not clear whether these \
         are the embeddings of the rows"
    );
    assert_eq!(
        hint,
        "--embeddings '/d/*.npy' takes them; --by text leaves them out, and so does a glob that names the rows, such as \
         '/d/*.jsonl'"
    );
    let found = folder.survey_as("d", &by(CompareBy::Text)).unwrap();
    assert_eq!(
        said(&found),
        [
            "2 files of embeddings were not used (img_emb_0.npy, img_emb_1.npy); --embeddings takes them instead of a model"
        ]
    );
    assert_eq!(said(&folder.survey_as("d/*.jsonl", &Asked::default()).unwrap()).len(), 0);
    let given = folder.survey_as("d", &Asked { embeddings: true, ..Asked::default() }).unwrap();
    assert_eq!((given.files.len(), said(&given).len()), (2, 0));
    let column = ColumnChoice { embedding: Some("e".to_owned()), ..ColumnChoice::default() };
    let found = folder.survey_as("d", &Asked { columns: column, ..Asked::default() }).unwrap();
    assert_eq!(found.skipped.count(Cause::Embeddings), 2);
}

#[test]
fn other_files_of_tensors_are_embeddings_where_their_names_say_so() {
    let folder = Folder::new(&[("a.jsonl", ROWS), ("a.npz", ""), ("emb/x.txt", "")]);
    assert!(folder.question(&Asked::default()).1.contains("--embeddings '/d/*.npz'"));
    let folder = Folder::new(&[("a.jsonl", ROWS), ("model.safetensors", "")]);
    assert_eq!(folder.survey().unwrap().skipped.of(Cause::UnknownExtension).first, ["model.safetensors"]);
    // The depth of each image, for example.
    let folder = Folder::of_images(&["0.png", "1.png"], &[("0.npy", ""), ("1.npy", "")]);
    assert_eq!(folder.is_of_images(2).skipped.count(Cause::BesideImages), 2);
    let folder = Folder::of_images(&["0.png", "1.png"], &[("img_emb.npy", "")]);
    assert_eq!(folder.is_of_images(2).skipped.count(Cause::Embeddings), 1);
}

#[test]
fn files_beside_images_are_said_not_to_be_deduplicated() {
    let folder =
        Folder::of_images(&["0.jpg", "1.jpg"], &[("metadata.csv", "file_name,text\n0.jpg,a\n1.jpg,a\n")]);
    assert_eq!(
        said(&folder.is_of_images(2)),
        [
            "1 file beside the images (captions, labels, rows) was left out and not deduplicated (metadata.csv); only images \
             are compared and copied to kept/; --by text, or naming such files, compares their rows"
        ]
    );
    let named = folder.survey_as("d/metadata.csv", &Asked::default()).unwrap();
    assert_eq!(names(&named), ["metadata.csv"]);
}

#[test]
fn a_folder_without_anything_else_says_what_embeddings_are_named_by() {
    let folder = Folder::new(&[("a.npy", "")]);
    let (_, hint) = folder.question(&Asked::default());
    assert!(hint.contains("--embeddings"), "{hint}");
}
