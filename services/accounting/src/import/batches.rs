//! Reads a file ahead of sending, and groups its items into batches. What a batch holds follows from the file alone, so
//! that a later run makes the same ones.

use anyhow::{Context, Result};
use csv::StringRecord;
use tokio::{sync::mpsc, task};

use super::{
    accounts::{self, Accounts},
    arguments::{Kind, Options},
    header::Header,
    item::{Item, Refusal, Row},
    postings::{self, Postings},
    source::Source,
};

/// Items of a batch, as many as the service takes.
const ITEMS_MAX: usize = 1_000;
/// A batch of this many bytes is sent: half of what the service takes by default, so that one more item always fits.
const BYTES_MAX: usize = 1024 * 1024;
/// A batch with this many malformed rows is passed on: bounds the memory that a malformed file takes.
const MALFORMED_MAX: usize = 10_000;
/// Batches that wait to be sent.
const AHEAD_MAX: usize = 4;
/// Rows of a transaction, as many as the service takes lines.
const LINES_MAX: usize = 100;

/// What is sent together.
#[derive(Debug, Default)]
pub struct Batch {
    /// 0, 1, 2 ... in the file.
    pub place: u64,
    pub items: Vec<Item>,
    /// The rows of each item.
    pub item_rows: Vec<Vec<Row>>,
    /// Rows that are refused without being sent.
    pub malformed: Vec<(Row, Refusal)>,
    /// How many items these make.
    pub malformed_items: u64,
    /// How far the file has been read.
    pub bytes_read: u64,
}

/// The batches of a file, in order.
#[derive(Debug)]
pub struct Batches {
    /// The first row.
    pub header: StringRecord,
    receiver: mpsc::Receiver<Result<Batch>>,
}

impl Batches {
    /// `None` at the end of the file.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        self.receiver.recv().await.transpose()
    }
}

/// Begins to read the file. Its header is read and checked at once.
pub fn read(kind: Kind, source: &Source, options: &Options) -> Result<Batches> {
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(source.text()?);
    let header = csv.headers().context("read the first row")?.clone();
    let meaning = match kind {
        Kind::Accounts => Meaning::Accounts(Accounts::of(&Header::of(&header, accounts::COLUMNS)?)?),
        Kind::Postings => {
            Meaning::Postings(Box::new(Postings::of(&Header::of(&header, postings::COLUMNS)?, options)?))
        }
    };
    let (sender, receiver) = mpsc::channel(AHEAD_MAX);
    let width = header.len();
    task::spawn_blocking(move || {
        let reading = Reading {
            meaning,
            width,
            batch: Batch::default(),
            bytes: 0,
            together: Vec::new(),
            too_long: None,
            sender,
        };
        reading.all(csv);
    });
    Ok(Batches { header, receiver })
}

/// What rows mean.
enum Meaning {
    Accounts(Accounts),
    Postings(Box<Postings>),
}

/// The receiver is gone.
struct NobodyWaits;

/// A file that is being read.
struct Reading {
    meaning: Meaning,
    width: usize,
    batch: Batch,
    /// Of the batch's items.
    bytes: usize,
    /// The rows of the current transaction so far.
    together: Vec<Row>,
    /// The current transaction, when it has more rows than a transaction may.
    too_long: Option<String>,
    sender: mpsc::Sender<Result<Batch>>,
}

impl Reading {
    fn all<R: std::io::Read>(mut self, mut csv: csv::Reader<R>) {
        let mut record = StringRecord::new();
        loop {
            match csv.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    // The receiver may be gone, and then nobody needs the error.
                    drop(self.sender.blocking_send(Err(error.into())));
                    return;
                }
            }
            self.batch.bytes_read = csv.position().byte();
            let line = record.position().map_or(0, csv::Position::line);
            if record.iter().all(str::is_empty) {
                continue;
            }
            let row = Row { line, record: record.clone() };
            if self.row(row).is_err() {
                return;
            }
        }
        // As above.
        drop(self.together_done().and_then(|()| self.hand_on(true)));
    }

    fn row(&mut self, row: Row) -> Result<(), NobodyWaits> {
        if row.record.len() != self.width {
            let message =
                format!("the row has {} columns, and the first row has {}", row.record.len(), self.width);
            self.together_done()?;
            return self.malformed(vec![row], &Refusal::of_row("", &message));
        }
        let transaction = match &self.meaning {
            Meaning::Accounts(accounts) => {
                let account = accounts.account(&row).map(Item::Account);
                return self.item(vec![row], account);
            }
            Meaning::Postings(postings) => postings.transaction_of(&row).map(str::to_owned),
        };
        if let Some(transaction) = transaction.filter(|transaction| !transaction.is_empty()) {
            return self.line(transaction, row);
        }
        self.together_done()?;
        self.together.push(row);
        self.together_done()
    }

    /// Adds a line to its transaction. When there are too many, each row of the transaction is refused.
    fn line(&mut self, transaction: String, row: Row) -> Result<(), NobodyWaits> {
        let refusal = || Refusal::of_row("transaction", &format!("has more than {LINES_MAX} rows"));
        if self.too_long.as_ref() == Some(&transaction) {
            return self.malformed_rows(vec![row], &refusal());
        }
        self.too_long = None;
        let is_of_it = |first: &Row| match &self.meaning {
            Meaning::Accounts(_) => false,
            Meaning::Postings(postings) => postings.transaction_of(first) == Some(transaction.as_str()),
        };
        if !self.together.first().is_some_and(is_of_it) {
            self.together_done()?;
        }
        self.together.push(row);
        if self.together.len() <= LINES_MAX {
            return Ok(());
        }
        self.too_long = Some(transaction);
        let rows = std::mem::take(&mut self.together);
        self.malformed(rows, &refusal())
    }

    /// Ends the current transaction, which has all its rows.
    fn together_done(&mut self) -> Result<(), NobodyWaits> {
        let rows = std::mem::take(&mut self.together);
        let Meaning::Postings(postings) = &self.meaning else { return Ok(()) };
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = postings.transaction(&rows).map(Item::Transaction);
        self.item(rows, transaction)
    }

    fn item(&mut self, rows: Vec<Row>, item: Result<Item, Refusal>) -> Result<(), NobodyWaits> {
        match item {
            Ok(item) => {
                self.bytes += item.bytes();
                self.batch.items.push(item);
                self.batch.item_rows.push(rows);
                self.hand_on(false)
            }
            Err(refusal) => self.malformed(rows, &refusal),
        }
    }

    fn malformed(&mut self, rows: Vec<Row>, refusal: &Refusal) -> Result<(), NobodyWaits> {
        self.batch.malformed_items += 1;
        self.malformed_rows(rows, refusal)
    }

    fn malformed_rows(&mut self, rows: Vec<Row>, refusal: &Refusal) -> Result<(), NobodyWaits> {
        self.batch.malformed.extend(rows.into_iter().map(|row| (row, refusal.clone())));
        self.hand_on(false)
    }

    /// Passes the batch on when it is full, or at the end of the file.
    fn hand_on(&mut self, is_last: bool) -> Result<(), NobodyWaits> {
        let Batch { place, items, malformed, bytes_read, .. } = &self.batch;
        let is_full = items.len() >= ITEMS_MAX || self.bytes >= BYTES_MAX || malformed.len() >= MALFORMED_MAX;
        if !is_full && !(is_last && (!items.is_empty() || !malformed.is_empty())) {
            return Ok(());
        }
        let next = Batch { place: place + 1, bytes_read: *bytes_read, ..Batch::default() };
        self.bytes = 0;
        let full = std::mem::replace(&mut self.batch, next);
        self.sender.blocking_send(Ok(full)).map_err(|_| NobodyWaits)
    }
}

impl Batch {
    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        let rows = self.item_rows.iter().map(Vec::len).sum::<usize>() + self.malformed.len();
        u64::try_from(rows).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::import::arguments::only_file;

    async fn batches(name: &str, text: &[u8]) -> Vec<Batch> {
        let file = std::env::temp_dir().join(format!("import-{}-{name}.csv", std::process::id()));
        fs::write(&file, text).unwrap();
        let source = Source::open(&file, None).unwrap();
        let mut batches = read(Kind::Postings, &source, &only_file(name)).unwrap();
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await.unwrap() {
            all.push(batch);
        }
        fs::remove_file(file).unwrap();
        all
    }

    const HEADER: &str = "交易号,账号,借贷,币种,金额\n";

    fn transaction(number: usize, rows: usize) -> String {
        format!("{number},1,借,CNY,1\n").repeat(rows)
    }

    #[tokio::test]
    async fn a_batch_has_a_thousand_items_and_the_rest_comes_last() {
        let rows: String = (0..2_001).map(|number| transaction(number, 2)).collect();
        let all = batches("many", format!("{HEADER}{rows}").as_bytes()).await;
        let sizes: Vec<(u64, usize, u64)> =
            all.iter().map(|batch| (batch.place, batch.items.len(), batch.rows())).collect();
        assert_eq!(sizes, [(0, 1_000, 2_000), (1, 1_000, 2_000), (2, 1, 2)]);
        assert_eq!(all[2].item_rows[0][1].line, 4_003);
    }

    #[tokio::test]
    async fn rows_that_mean_nothing_are_refused_and_the_rest_goes_on() {
        let text = format!(
            "{HEADER}1,1,借,CNY,1\n1,2,贷,CNY,1\n\n2,1,借\n,1,借,CNY,1\n,,,,\n{}4,1,借,CNY,\"1,00\"\n5,1,借,CNY,1\n",
            transaction(3, 101)
        );
        let all = batches("nonsense", text.as_bytes()).await;
        let [batch] = all.as_slice() else { panic!("one batch") };
        assert_eq!((batch.items.len(), batch.malformed_items), (2, 4));
        let fields: Vec<&str> = batch.malformed.iter().map(|(_, refusal)| refusal.field.as_str()).collect();
        assert_eq!(fields[..2], ["", "transaction"]);
        assert_eq!((fields.len(), fields[2], fields[103]), (104, "transaction", "amount"));
    }

    #[tokio::test]
    async fn utf8_and_gb18030_say_the_same() {
        let text = format!("{HEADER}1,110100/100101,借,CNY,5\n1,2,贷,CNY,5\n");
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        let (encoded, _, _) = encoding_rs::GB18030.encode(&text);
        let of = |all: Vec<Batch>| format!("{:?}", all[0].items);
        let plain = of(batches("plain", text.as_bytes()).await);
        assert_eq!(of(batches("marked", &marked).await), plain);
        assert_eq!(of(batches("gb18030", &encoded).await), plain);
    }

    #[test]
    fn a_file_in_neither_encoding_is_refused_before_anything_is_sent() {
        let file = std::env::temp_dir().join(format!("import-{}-neither.csv", std::process::id()));
        fs::write(&file, b"a,b\n\xff\xff,1\n").unwrap();
        for encoding in [None, Some(super::super::arguments::Encoding::Utf8)] {
            assert!(Source::open(&file, encoding).is_err());
        }
        fs::remove_file(file).unwrap();
    }
}
