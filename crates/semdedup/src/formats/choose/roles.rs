//! Checks that the chats have the roles that the user asks for. A role that no chat has is
//! misspelt, and the turns that the user means would not be compared.

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::read::Reader;
use crate::formats::turns::is_usual_role;

/// At most this many rows of a file are looked at.
const MOST_ROWS: usize = 10_000;
/// A role that no turn has: with it, texts of turns become empty, and other texts stay the same.
const NO_ROLE: &str = "\0";

/// Fails if no file has turns, or if no turn of the first rows has a role that the user asks for. A
/// usual role may come only later, so it is not an error.
pub(crate) fn check_roles(files: &[InputFile], resolved: &[Columns], roles: &[String]) -> Result<()> {
    if roles.is_empty() {
        return Ok(());
    }
    let with_turns = || {
        let may_have = |(columns, file): &(&Columns, &InputFile)| {
            !columns.turns.is_empty() || (file.format == Format::Tar && columns.text.is_some())
        };
        resolved.iter().zip(files).filter(may_have)
    };
    // The types of a table tell whether it has turns. A shard has to be read.
    let has_turns = |(columns, file): (&Columns, &InputFile)| match file.format {
        Format::Tar => have_an_effect(&[], columns, file),
        _ => Ok(true),
    };
    if !any(with_turns().map(has_turns))? {
        let problem = format!("--roles {}: no text column has turns of a chat", roles.join(","));
        return Err(Error::usage(problem)
            .hint("leave out --roles, or name a column of lists of turns with --text-column"));
    }
    for role in roles.iter().filter(|role| !is_usual_role(role)) {
        let has_role = |(columns, file)| have_an_effect(std::slice::from_ref(role), columns, file);
        if !any(with_turns().map(has_role))? {
            let problem = format!("--roles {role}: no turn in the first rows has a text in this role");
            return Err(Error::usage(problem).hint(
                "name roles that the turns have, such as user,assistant (human and gpt are the same), or leave out --roles",
            ));
        }
    }
    Ok(())
}

/// Whether one of the results is true; the first error goes before later results.
fn any(mut found: impl Iterator<Item = Result<bool>>) -> Result<bool> {
    found.find(|found| !matches!(found, Ok(false))).unwrap_or(Ok(false))
}

/// Whether texts of the first rows have turns in some roles, or in any role if `roles` is empty.
fn have_an_effect(roles: &[String], columns: &Columns, file: &InputFile) -> Result<bool> {
    let with = |roles: &[String]| Columns { roles: roles.to_vec(), ..columns.clone() };
    let (with, without) = (with(roles), with(&[NO_ROLE.to_owned()]));
    let open = |columns| Reader::open(file, columns, &ReadLimits::default(), 0);
    let (mut some, mut none, mut rows) = (open(&with)?, open(&without)?, 0);
    while rows < MOST_ROWS
        && let (Some(some), Some(none)) = (some.next_chunk()?, none.next_chunk()?)
    {
        let (some, none) = (some.parse(&with)?.texts, none.parse(&without)?.texts);
        rows += some.iter().len();
        if some.iter().ne(none.iter()) {
            return Ok(true);
        }
    }
    Ok(false)
}
