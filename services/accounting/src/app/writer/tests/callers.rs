//! The callers, and the answers they got, checked against the journal and against a plain model: a book that is opened again for each
//! batch and decides one command after the other.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Debug,
};

use platform::refusal::{Failure, reasons};
use uuid::Uuid;

use crate::{
    app::writer::database::Append,
    domain::{
        book::{Needs, tests::records::Recorded},
        command::{Answer, Command, Records, Verdict},
    },
    error,
};

/// The calls that wait at a replica, in order.
pub type Snapshot = Vec<usize>;

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Waiting,
    /// It is done, or refused permanently.
    Decided,
    /// Nothing was written.
    NotWritten,
    /// Whether it was written is not known.
    Unknown,
}

/// A call of a caller.
#[derive(Debug)]
struct Attempt {
    command: Command,
    heard: Heard,
    /// The outcome, as it was answered.
    outcome: String,
    /// What the model decides on it.
    expected: Option<Verdict>,
    /// Decided by a writer that may know less than the journal: it may refuse what would be done now.
    is_excused: bool,
}

/// Everyone who calls.
#[derive(Debug, Default)]
pub struct Callers {
    attempts: Vec<Attempt>,
    /// Calls that wait, by replica.
    waiting: BTreeMap<usize, VecDeque<usize>>,
    /// The first answer to each request.
    answers: BTreeMap<Uuid, Answer>,
    /// What is wrong first.
    pub broken: Option<String>,
}

impl Callers {
    /// Another call to a replica.
    pub fn call(&mut self, replica: usize, command: Command) -> usize {
        self.attempts.push(Attempt {
            command,
            heard: Heard::Waiting,
            outcome: String::new(),
            expected: None,
            is_excused: false,
        });
        let attempt = self.attempts.len() - 1;
        self.waiting.entry(replica).or_default().push_back(attempt);
        attempt
    }

    pub fn waiting(&self, replica: usize) -> Snapshot {
        self.waiting.get(&replica).into_iter().flatten().copied().collect()
    }

    pub fn is_anyone_waiting(&self) -> bool {
        self.waiting.values().any(|waiting| !waiting.is_empty())
    }

    /// Every command that was called with, first come first.
    pub fn commands(&self) -> Vec<Command> {
        self.attempts.iter().map(|attempt| attempt.command.clone()).collect()
    }

    /// Whether a call has its final answer.
    pub fn is_decided(&self, attempt: usize) -> bool {
        self.attempts[attempt].heard == Heard::Decided
    }

    /// Why a call was not answered, in words.
    pub fn outcome(&self, attempt: usize) -> String {
        self.attempts[attempt].outcome.clone()
    }

    pub fn fail(&mut self, what: impl Into<String>) {
        self.broken.get_or_insert(what.into());
    }

    fn same<T: PartialEq + Debug>(&mut self, what: &str, is: &T, should: &T) {
        if is != should {
            self.fail(format!("{what}: it is\n{is:#?}\nand should be\n{should:#?}"));
        }
    }

    /// Holds a batch against what the model decides on the same commands, from the journal as it is without it.
    pub fn judge_batch(&mut self, journal: &Recorded, append: &Append, snapshot: &Snapshot) {
        let Append { records, at, .. } = append;
        let is_back =
            append.batch.is_some() && journal.batches.last().is_some_and(|last| *at < last.recorded_at);
        if is_back {
            self.fail("the journal goes back in time");
        }
        let mut book = journal.open_book(1_000);
        let mut needs = Needs::default();
        for attempt in snapshot {
            book.needs(&self.attempts[*attempt].command, &mut needs);
        }
        book.learn(journal.load(&needs));
        let mut modelled = Records::default();
        let mut audited = 0;
        for attempt in snapshot {
            if audited == append.audits.len() && size(&modelled) == size(records) {
                break;
            }
            let command = self.attempts[*attempt].command.clone();
            let verdict = book.decide(&command, *at, &mut modelled);
            let is_audited = match &verdict {
                Verdict::Refused(_) => true,
                Verdict::Done(_) => !command.is_in_journal(),
                Verdict::Repeated(_) => false,
            };
            audited += usize::from(is_audited && !command.origin.dry_run);
            let wrote = matches!(verdict, Verdict::Done(_)) && command.origin.is_remembered();
            if wrote && self.attempts[*attempt].heard == Heard::NotWritten {
                self.fail(format!("written after its caller was heard that it was not: {command:?}"));
            }
            self.attempts[*attempt].expected = Some(verdict);
        }
        self.same("postings", &records.postings, &modelled.postings);
        self.same("hold events", &records.hold_events, &modelled.hold_events);
        self.same("accounts", &records.accounts, &modelled.accounts);
        self.same("base data", &records.base_records, &modelled.base_records);
        self.same("business days", &records.business_days, &modelled.business_days);
        self.same("answers kept", &records.answers, &modelled.answers);
    }

    /// Excuses what a writer decides on these that is no longer the one, and that nothing is written of.
    pub fn excuse(&mut self, snapshot: &Snapshot) {
        for attempt in snapshot {
            self.attempts[*attempt].is_excused = true;
        }
    }

    /// Takes in what a caller was answered, and checks it against the journal.
    pub fn heard(
        &mut self,
        replica: usize,
        attempt: usize,
        outcome: &Result<Answer, Failure>,
        journal: &Recorded,
    ) {
        if let Some(waiting) = self.waiting.get_mut(&replica) {
            waiting.retain(|other| *other != attempt);
        }
        let Attempt { command, expected, .. } = &self.attempts[attempt];
        let (command, expected) = (command.clone(), expected.clone());
        let heard = match outcome {
            Ok(answer) => {
                self.judge_answer(&command, answer, expected.as_ref(), journal);
                Heard::Decided
            }
            Err(failure) => match failure.refusal().map(|refusal| refusal.reason().name) {
                Some(name) if name == error::OUTCOME_UNKNOWN.name => Heard::Unknown,
                None => Heard::NotWritten,
                Some(name) if is_for_now(name) => Heard::NotWritten,
                Some(_) if self.attempts[attempt].is_excused => Heard::Decided,
                Some(_) => {
                    self.judge_refusal(&command, failure, expected.as_ref());
                    Heard::Decided
                }
            },
        };
        self.attempts[attempt].heard = heard;
        if let Err(failure) = outcome {
            self.attempts[attempt].outcome = failure.to_string();
        }
        if heard == Heard::NotWritten {
            self.judge_not_written(&command, journal);
        }
    }

    /// ACC-4: what was acknowledged is in the journal, and is answered the same ever after.
    fn judge_answer(
        &mut self,
        command: &Command,
        answer: &Answer,
        expected: Option<&Verdict>,
        journal: &Recorded,
    ) {
        if let Some(Verdict::Done(expected) | Verdict::Repeated(expected)) = expected {
            self.same("an answer", answer, expected);
        } else if let Some(expected) = expected {
            self.fail(format!("{command:?} was answered {answer:?} and should be {expected:?}"));
        }
        let request = command.origin.request_id;
        if !command.origin.is_remembered() {
            return;
        }
        match journal.earlier(request) {
            Some(earlier) if earlier.digest == command.origin.digest => {}
            found => self.fail(format!("{command:?} was acknowledged, and the journal has {found:?}")),
        }
        match self.answers.get(&request).cloned() {
            Some(first) => self.same("the answer to a repeat", answer, &first),
            None => {
                self.answers.insert(request, answer.clone());
            }
        }
    }

    fn judge_refusal(&mut self, command: &Command, failure: &Failure, expected: Option<&Verdict>) {
        match expected {
            Some(Verdict::Refused(refusal)) => {
                self.same("a refusal", &failure.to_string(), &Failure::from(refusal.clone()).to_string());
            }
            Some(other) => self.fail(format!("{command:?} was refused: {failure}, and should be {other:?}")),
            None if command.origin.dry_run => {}
            None => self.fail(format!("{command:?} was refused: {failure}, and nobody has decided that")),
        }
    }

    /// ACC-9: what was said not to be written is not there, unless another call with it may have been.
    fn judge_not_written(&mut self, command: &Command, journal: &Recorded) {
        let request = command.origin.request_id;
        if !command.origin.is_remembered() {
            return;
        }
        let of_request = |attempt: &&Attempt| {
            attempt.command.origin.request_id == request && !attempt.command.origin.dry_run
        };
        let all_denied =
            self.attempts.iter().filter(of_request).all(|attempt| attempt.heard == Heard::NotWritten);
        if all_denied && journal.earlier(request).is_some() {
            self.fail(format!("{command:?} was said not to be written, and is in the journal"));
        }
    }

    /// A request is in the journal once, whatever became of its calls.
    pub fn judge_once(&mut self, journal: &Recorded) {
        let mut seen = BTreeSet::new();
        for posting in &journal.postings {
            if !seen.insert(posting.request_id) {
                self.fail(format!("posted twice: {posting:?}"));
            }
        }
        let mut seen = BTreeSet::new();
        for event in journal.hold_events.iter().filter(|event| !event.request_id.is_nil()) {
            if !seen.insert(event.request_id) {
                self.fail(format!("a hold event twice: {event:?}"));
            }
        }
    }
}

fn size(records: &Records) -> [usize; 7] {
    let Records { postings, hold_events, accounts, base_records, business_days, answers, suspense_items } =
        records;
    [
        postings.len(),
        hold_events.len(),
        accounts.len(),
        base_records.len(),
        business_days.len(),
        answers.len(),
        suspense_items.len(),
    ]
}

/// Whether a refusal is one that passes, of which nothing was written.
fn is_for_now(reason: &str) -> bool {
    [error::NOT_THE_WRITER.name, error::DATABASE_BUSY.name, reasons::OVERLOADED.name].contains(&reason)
}
