//! A run over files with a default for everything: the front door of the library for data on disk.

use std::path::PathBuf;

use semdedup_core::{Epsilon, Goal, Probes, Rule};
use semdedup_embed::{ImageModel, MobileNet, StaticModel, TextModel};

use crate::embed::embedder::Embedder;
use crate::error::{Error, Result};
use crate::formats::{CompareBy, FloatType};
use crate::input::find::rows_by;
use crate::keep_keys::KeepKeys;
use crate::memory::Memory;
use crate::options::{InputOptions, OutputOptions, PairOptions, RunOptions, check_goal, default_epsilon};
use crate::outputs::Outputs;
use crate::pipeline::plan::{Plan, plan};
use crate::pipeline::run::run;
use crate::progress::Progress;
use crate::summary::Summary;

/// A run over files, made by [`Run::builder`].
pub struct Run<'a> {
    options: RunOptions,
    embedder: Models<'a>,
}

/// The models of a run. Those that were not given are the ones inside this library.
#[derive(Default)]
struct Models<'a> {
    text: Option<&'a dyn TextModel>,
    image: Option<&'a dyn ImageModel>,
    built_in_text: Option<StaticModel>,
    built_in_image: Option<MobileNet>,
}

/// Collects what a [`Run`] is to do. Whatever is not set has the default of the `semdedup` command.
#[must_use]
pub struct RunBuilder<'a> {
    input: InputOptions,
    output: OutputOptions,
    run: RunOptions,
    goal: Option<Goal>,
    text: Option<&'a dyn TextModel>,
    image: Option<&'a dyn ImageModel>,
}

impl<'a> Run<'a> {
    /// Begins to describe a run over `inputs` (files, folders, globs, URLs) whose result goes to the
    /// folder `out`.
    ///
    /// ```
    /// use semdedup::{Keep, Run, Silent};
    ///
    /// # fn main() -> semdedup::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (input, out) = (folder.path().join("rows.txt"), folder.path().join("out"));
    /// std::fs::write(&input, "A cat sat.\na  cat sat.\nPrices rose.\n").unwrap();
    /// let run = Run::builder([input.display().to_string()], &out).keep(Keep::Easy).build()?;
    /// let summary = run.run(&Silent)?;
    /// assert_eq!((summary.rows_in, summary.rows_kept), (3, 2));
    /// assert_eq!(std::fs::read_to_string(out.join("kept/rows.txt")).unwrap().lines().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder<I: Into<String>>(
        inputs: impl IntoIterator<Item = I>,
        out: impl Into<PathBuf>,
    ) -> RunBuilder<'a> {
        let run = RunOptions::new(inputs, out);
        let (input, output) = (run.input.clone(), run.output.clone());
        RunBuilder { input, output, run, goal: None, text: None, image: None }
    }

    /// All options, as [`run`] takes them.
    pub fn options(&self) -> &RunOptions {
        &self.options
    }

    /// Says what the run would do: rows, memory, disk, and roughly how long. Writes nothing.
    ///
    /// # Errors
    /// As [`plan`].
    pub fn plan(&self) -> Result<Plan> {
        plan(&self.options, self.embedder.embedder())
    }

    /// Does the run, or continues it where an earlier one with the same options was stopped.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self, progress: &dyn Progress) -> Result<Summary> {
        run(&self.options, self.embedder.embedder(), progress)
    }
}

impl Models<'_> {
    fn embedder(&self) -> Embedder<'_> {
        let text = self.text.or(self.built_in_text.as_ref().map(|model| model as &dyn TextModel));
        let image = self.image.or(self.built_in_image.as_ref().map(|model| model as &dyn ImageModel));
        match (image, text) {
            (Some(image), Some(text)) => Embedder::Both(image, text),
            (Some(image), None) => Embedder::Image(image),
            (None, Some(text)) => Embedder::Text(text),
            (None, None) => Embedder::Provided,
        }
    }
}

impl<'a> RunBuilder<'a> {
    /// Names the column of the texts; or several with commas between, whose texts are joined.
    pub fn text_column(mut self, name: impl Into<String>) -> Self {
        self.input.columns.text = Some(name.into());
        self
    }

    /// Names the column of the ids; without one, a row is called by its file and number.
    pub fn id_column(mut self, name: impl Into<String>) -> Self {
        self.input.columns.id = Some(name.into());
        self
    }

    /// Names the column of the images.
    pub fn image_column(mut self, name: impl Into<String>) -> Self {
        self.input.columns.image = Some(name.into());
        self
    }

    /// Names a column of embeddings; no model is needed then.
    pub fn embedding_column(mut self, name: impl Into<String>) -> Self {
        self.input.columns.embedding = Some(name.into());
        self
    }

    /// Says what the numbers in a column of bytes are, which [`Self::embedding_column`] names.
    pub fn embedding_type(mut self, float: FloatType) -> Self {
        self.input.columns.embedding_type = Some(float);
        self
    }

    /// Names files of embeddings, one for each file of the input; no model is needed then.
    pub fn embeddings<I: Into<String>>(mut self, files: impl IntoIterator<Item = I>) -> Self {
        self.input.embeddings = files.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what of a row is compared; by default the first file decides.
    pub fn by(mut self, by: CompareBy) -> Self {
        self.input.columns.by = Some(by);
        self
    }

    /// Sets everything that is known of the input; what was set before is gone.
    pub fn input(mut self, input: InputOptions) -> Self {
        self.input = input;
        self
    }

    /// Sets how much is removed: by default ε = 0.07 for texts and 0.05 for images.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Sets which row of a set of duplicates stays: by default [`Keep::Hard`](crate::Keep::Hard), as
    /// in the paper. [`KeepKeys`] rank rows by their columns.
    pub fn keep(mut self, keep: impl Into<KeepKeys>) -> Self {
        self.run.keep = keep.into();
        self
    }

    /// Sets by which rule rows go.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.run.rule = rule;
        self
    }

    /// Writes the pairs of similar rows too.
    pub fn pairs(mut self, pairs: PairOptions) -> Self {
        self.run.pairs = Some(pairs);
        self
    }

    /// Compares only rows that have the same value in a column, such as the language.
    pub fn within(mut self, column: impl Into<String>) -> Self {
        self.run.within = Some(column.into());
        self
    }

    /// Sets the seed of the samples, of the first centroids and of
    /// [`Keep::Random`](crate::Keep::Random): by default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.run.cluster.seed = seed;
        self
    }

    /// Sets the number of clusters, which is otherwise chosen from the number of rows.
    pub fn clusters(mut self, clusters: usize) -> Self {
        self.run.cluster.clusters = Some(clusters);
        self
    }

    /// Sets in which clusters a row is compared: by default [`Probes::Auto`].
    pub fn probes(mut self, probes: Probes) -> Self {
        self.run.cluster.probes = probes;
        self
    }

    /// Sets the most memory that the run may hold: by default half of the machine's.
    pub fn memory(mut self, memory: Memory) -> Self {
        self.run.cluster.memory = memory;
        self
    }

    /// Sets the rows of the recall sample: by default 2,000; 0 measures no recall.
    pub fn recall_sample(mut self, rows: usize) -> Self {
        self.run.recall_sample = rows;
        self
    }

    /// Watches the values of a column of the input: a warning names each that loses nearly all of its rows.
    pub fn watch(mut self, column: impl Into<String>) -> Self {
        self.run.watch.push(column.into());
        self
    }

    /// Sets what is written of the rows: by default the files of the input without the removed rows.
    pub fn outputs(mut self, outputs: Outputs) -> Self {
        self.run.outputs = outputs;
        self
    }

    /// Sets the work directory, which other runs can reuse: by default `work` in the output folder.
    pub fn work(mut self, work: impl Into<PathBuf>) -> Self {
        self.output.work = Some(work.into());
        self
    }

    /// Lets the run replace an earlier result in the output folder.
    pub fn overwrite(mut self) -> Self {
        self.output.overwrite = true;
        self
    }

    /// Stops the run at a row that cannot be read, instead of skipping and listing it.
    pub fn strict(mut self) -> Self {
        self.input.strict = true;
        self
    }

    /// Sets the model that embeds texts: by default the one inside this library.
    pub fn text_model(mut self, model: &'a dyn TextModel) -> Self {
        self.text = Some(model);
        self
    }

    /// Sets the model that embeds images: by default the one inside this library.
    pub fn image_model(mut self, model: &'a dyn ImageModel) -> Self {
        self.image = Some(model);
        self
    }

    /// Settles the models and the goal, for which the input is looked at.
    ///
    /// # Errors
    /// Input that cannot be found or read; a model that nothing is read by; a goal that [`check_goal`]
    /// refuses.
    pub fn build(self) -> Result<Run<'a>> {
        let Self { mut input, output, mut run, goal, text, image } = self;
        goal.map_or(Ok(()), check_goal)?;
        let provided = !input.embeddings.is_empty() || input.columns.embedding.is_some();
        input.columns.text_optional |= provided;
        let mut models = Models { text, image, ..Models::default() };
        let by = match provided {
            true => CompareBy::Text,
            false => rows_by(&input, &[output.out.clone(), output.work_dir()])?,
        };
        let unused =
            [(text.is_some(), provided || !by.text(), "text"), (image.is_some(), !by.image(), "image")];
        if let Some((.., what)) = unused.into_iter().find(|(is_given, is_unused, _)| *is_given && *is_unused)
        {
            return Err(Error::usage(format!("a model for {what}s is given, but no {what}s are compared"))
                .hint("leave it out, or say what is compared with `by`"));
        }
        if !provided && by.text() && text.is_none() {
            models.built_in_text = Some(StaticModel::built_in(None).map_err(Error::model)?);
        }
        if !provided && by.image() && image.is_none() {
            models.built_in_image = Some(MobileNet::load().map_err(Error::model)?);
        }
        let epsilon = || Epsilon::new(default_epsilon(by)).map_err(|error| Error::usage(error.to_string()));
        run.goal = goal.map_or_else(|| epsilon().map(Goal::Epsilon), Ok)?;
        (run.input, run.output) = (input, output);
        Ok(Run { options: run, embedder: models })
    }
}
