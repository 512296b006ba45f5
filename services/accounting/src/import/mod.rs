//! `accounting import`: moves accounts and postings in from files, as a client of the public API of a service that runs. Permissions,
//! the order among all postings, the audit and the facts are those of any other call ([ADR 0006]).
//!
//! | module | what it is for |
//! |---|---|
//! | [`arguments`] | the arguments of the command |
//! | [`source`], [`decoding`] | the file: its digest, its encoding, its text |
//! | [`header`], [`amount`], [`date`] | names of columns, and how amounts and dates are written |
//! | [`postings`], [`accounts`] | what the rows of a file mean |
//! | [`item`] | what is read, what is sent, and its outcome |
//! | [`batches`] | reads ahead, and groups items into batches |
//! | [`service`] | the API, with repeats |
//! | [`progress`], [`side_file`] | how far it has come, and what was refused, in files beside the file |
//! | [`totals`], [`display`] | what is printed: the totals at the end, and the progress until then |
//!
//! A batch's request id is made from the file's digest and the batch's place, so that a batch that is sent again, by whatever run,
//! is answered as a repeat (ACC-4) and nothing is doubled. What a batch holds follows from the file alone.
//!
//! [ADR 0006]: ../../../../docs/adr/0006-moving-in-by-the-api.md

pub mod accounts;
pub mod amount;
pub mod arguments;
pub mod batches;
pub mod date;
pub mod decoding;
pub mod display;
pub mod header;
pub mod item;
pub mod postings;
pub mod progress;
pub mod service;
pub mod side_file;
pub mod source;
pub mod totals;

use std::{io::Write, time::Instant};

use anyhow::{Result, bail};

use arguments::{Arguments, Kind};
use batches::Batch;
use display::ProgressDisplay;
use item::{Item, Refusal, Row, Verdict};
use platform::service::Ran;
use progress::Progress;
use service::Service;
use side_file::SideFile;
use source::Source;
use totals::Totals;

/// Some rows were refused, and the others were imported.
const SOME_REFUSED: u8 = 2;

/// Imports a file. The exit code says whether all of it is in.
pub async fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Ran> {
    let (kind, options) = arguments.split();
    let source = Source::open(&options.file, options.encoding)?;
    let progress = Progress::of(kind, options, &source)?;
    if progress.is_complete {
        writeln!(out, "{} was imported already; nothing is done.", options.file.display())?;
        return summary(&progress.totals, None, out);
    }
    if progress.is_anew {
        writeln!(out, "{} is of another content than before: it begins again.", options.file.display())?;
    }
    let service = Service::of(options)?;
    let mut import = Import::begin(kind, arguments, &source, progress)?;
    let began = Instant::now();
    import.all(&source, &service).await?;
    summary(&import.progress.totals, Some((import.done_now, began.elapsed())), out)
}

fn summary(totals: &Totals, now: Option<(u64, std::time::Duration)>, out: &mut impl Write) -> Result<Ran> {
    totals.print(now, out)?;
    Ok(if totals.refused == 0 { Ran::Well } else { Ran::With(SOME_REFUSED) })
}

/// The number that an account had before.
fn former_number(item: &Item) -> String {
    match item {
        Item::Account(account) => account.former_number.clone(),
        Item::Transaction(_) => String::new(),
    }
}

/// An import in progress.
struct Import<'a> {
    kind: Kind,
    options: &'a arguments::Options,
    progress: Progress,
    refused: SideFile,
    /// Of accounts: their former numbers and their new ones.
    numbers: Option<SideFile>,
    display: ProgressDisplay,
    /// What this run has done, besides what earlier ones did.
    done_now: u64,
}

impl<'a> Import<'a> {
    fn begin(kind: Kind, arguments: &'a Arguments, source: &Source, progress: Progress) -> Result<Self> {
        let (_, options) = arguments.split();
        let refused = SideFile::of(options.refused(), progress.refused_bytes)?;
        let numbers = match kind {
            Kind::Accounts if !options.dry_run => {
                Some(SideFile::of(options.numbers(), progress.numbers_bytes)?)
            }
            Kind::Accounts | Kind::Postings => None,
        };
        let display = ProgressDisplay::new(source.bytes);
        Ok(Self { kind, options, progress, refused, numbers, display, done_now: 0 })
    }

    async fn all(&mut self, source: &Source, service: &Service) -> Result<()> {
        let mut batches = batches::read(self.kind, source, self.options)?;
        let header = batches.header.clone();
        while let Some(batch) = batches.next().await? {
            if batch.place < self.progress.next_batch {
                continue;
            }
            self.batch(&header, batch, service).await?;
        }
        self.progress.is_complete = true;
        self.save()?;
        self.display.end();
        Ok(())
    }

    async fn batch(&mut self, header: &csv::StringRecord, batch: Batch, service: &Service) -> Result<()> {
        let verdicts = if batch.items.is_empty() {
            Vec::new()
        } else {
            let id = self.progress.request_id(batch.place);
            let verdicts = service
                .import(self.kind, id, &batch.items)
                .await
                .map_err(|stopped| self.stopped(&stopped))?;
            if verdicts.len() != batch.items.len() {
                bail!("the service gave {} verdicts on {} items", verdicts.len(), batch.items.len());
            }
            verdicts
        };
        let refused = self.count(&batch, &verdicts)?;
        self.note_numbers(&batch, &verdicts)?;
        self.note_refused(header, refused)?;
        self.progress.next_batch = batch.place + 1;
        self.save()?;
        self.display.at(batch.bytes_read, &self.progress.totals)
    }

    /// Adds the batch to the totals, and gives the rows that were refused, by line.
    fn count<'b>(
        &mut self,
        batch: &'b Batch,
        verdicts: &'b [Verdict],
    ) -> Result<Vec<(&'b Row, std::borrow::Cow<'b, Refusal>)>> {
        let totals = &mut self.progress.totals;
        let mut refused = Vec::new();
        for (row, why) in &batch.malformed {
            refused.push((row, std::borrow::Cow::Borrowed(why)));
        }
        totals.rows += batch.rows();
        totals.items += u64::try_from(verdicts.len())? + batch.malformed_items;
        totals.refused += batch.malformed_items;
        for (place, (verdict, rows)) in verdicts.iter().zip(&batch.item_rows).enumerate() {
            match verdict {
                Ok(_) => {
                    totals.done += 1;
                    self.done_now += 1;
                    totals.add(&batch.items[place])?;
                }
                Err(refusal) => {
                    totals.refused += 1;
                    refused.extend(rows.iter().map(|row| (row, std::borrow::Cow::Borrowed(refusal))));
                }
            }
        }
        refused.sort_by_key(|(row, _)| row.line);
        Ok(refused)
    }

    fn note_numbers(&mut self, batch: &Batch, verdicts: &[Verdict]) -> Result<()> {
        let Some(numbers) = &mut self.numbers else { return Ok(()) };
        let opened = verdicts.iter().zip(&batch.item_rows).enumerate();
        let opened = opened.filter_map(|(place, (verdict, rows))| {
            let name = verdict.as_ref().ok()?;
            let number = name.strip_prefix("accounts/").unwrap_or(name);
            Some([rows.first()?.line.to_string(), former_number(&batch.items[place]), number.to_owned()])
        });
        let opened: Vec<_> = opened.collect();
        numbers.append(["line", "former_number", "number"], opened)
    }

    fn note_refused(
        &mut self,
        header: &csv::StringRecord,
        refused: Vec<(&Row, std::borrow::Cow<'_, Refusal>)>,
    ) -> Result<()> {
        let rows = refused.into_iter().map(|(row, refusal)| {
            let why = [&refusal.reason, &refusal.field, &refusal.message].map(String::clone);
            let original = row.record.iter().map(str::to_owned);
            [row.line.to_string()].into_iter().chain(why).chain(original).collect::<Vec<_>>()
        });
        let rows: Vec<_> = rows.collect();
        self.refused.append(header::REFUSED.into_iter().chain(header.iter()), rows)
    }

    /// A dry run leaves nothing to go on from.
    fn save(&mut self) -> Result<()> {
        self.progress.refused_bytes = self.refused.bytes();
        self.progress.numbers_bytes = self.numbers.as_ref().map_or(0, SideFile::bytes);
        if self.options.dry_run { Ok(()) } else { self.progress.save() }
    }

    fn stopped(&self, refusal: &Refusal) -> anyhow::Error {
        let advice = match refusal.reason.as_str() {
            "REQUEST_ID_REUSED" => {
                "\nThis part of the file was sent before, with other options or by somebody else. Go on as it was begun."
            }
            _ => "\nAll rows before it are imported. Run the same command again to continue.",
        };
        anyhow::anyhow!("{refusal}{advice}").context(format!(
            "import {} of {}",
            self.progress.next_batch,
            self.options.file.display()
        ))
    }
}
