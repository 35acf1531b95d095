//! The names of images: all that are decoded are read, and others beside them are named.

use semdedup::formats::{Asked, Cause};

use crate::beside::{Folder, ROWS, names, said};

#[test]
fn every_usual_name_of_an_image_that_is_decoded_is_read_from_a_folder() {
    let images = [
        "a.jpg", "b.JPEG", "c.jpe", "d.jif", "e.jfif", "f.pjpeg", "g.pjp", "h.apng", "i.pnm", "j.pam",
        "k.pbm", "l.pgm", "m.ppm", "n.webp", "o.tiff",
    ];
    let folder = Folder::of_images(&images, &[]);
    assert_eq!(folder.is_of_images(images.len() as u64).skipped.told().count(), 0);
    for input in ["d/*.pam", "d/h.apng"] {
        assert_eq!(folder.survey_as(input, &Asked::default()).unwrap().files.len(), 1, "{input}");
    }
}

#[test]
fn an_image_of_another_format_beside_images_is_named_and_is_no_caption() {
    let others = [("0.avif", "x"), ("1.heic", "x"), ("0.mp4", "x"), ("0.xml", "<a/>"), ("0.abc", "x")];
    let folder = Folder::of_images(&["0.jpg", "1.jpg"], &others);
    let found = folder.is_of_images(2);
    assert_eq!(found.skipped.of(Cause::BesideImages).first, ["0.xml", "0.abc"]);
    assert_eq!(found.skipped.of(Cause::UnknownExtension).first, ["0.avif", "0.mp4", "1.heic"]);
    assert!(said(&found)[0].contains("0.avif is an AVIF picture (convert it first"), "{:?}", said(&found));
    // The names that say what to do come first.
    let rows = Folder::new(&[("a.jsonl", ROWS), ("1.aaa", ""), ("2.bbb", ""), ("3.ccc", ""), ("z.avif", "")]);
    let found = rows.survey().unwrap();
    assert_eq!(names(&found), ["a.jsonl"]);
    assert!(said(&found)[0].contains("z.avif is an AVIF picture"), "{:?}", said(&found));
}
