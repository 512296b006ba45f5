//! A lane for each partition: a bounded queue and one task that takes its records in.
//!
//! Only the polling thread uses the Kafka client: it fills the lanes, pauses those that are full, commits what they have done,
//! and waits for them when their partitions are taken away.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance},
    error::KafkaResult,
    message::BorrowedMessage,
    statistics::Statistics,
};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{BATCH_RECORDS_MAX, ConsumerError, Handler, LANE_BYTES_MAX, LANE_RECORDS_MAX, intake::Intake};
use crate::facts::{KafkaConfig, RawRecord};

/// How often offsets are committed: what a crash in between costs is duplicates, which have no effect.
const COMMIT_EVERY: Duration = Duration::from_millis(200);

/// How often a commit is repeated that may have failed, as it does while a group changes. The client does not report what became
/// of a commit that it was not to wait for.
const COMMIT_AGAIN_EVERY: Duration = Duration::from_secs(5);

/// A partition by its name on the cluster.
type Partition = (String, i32);

/// The lanes of one member of a group.
pub struct Lanes<H> {
    intake: Arc<Intake<H>>,
    kafka: KafkaConfig,
    runtime: Handle,
    /// Used by the polling thread alone, also in the callbacks of a rebalance, which run in its polls.
    open: Mutex<Open>,
}

struct Open {
    lanes: HashMap<Partition, Lane>,
    commit_at: Instant,
    commit_again_at: Instant,
}

struct Lane {
    records: mpsc::Sender<RawRecord>,
    load: Arc<Load>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    paused: bool,
    /// The offset of the last commit that was requested.
    committed: i64,
}

/// What a lane holds, and how far it has come.
#[derive(Default)]
struct Load {
    records: AtomicUsize,
    bytes: AtomicUsize,
    /// The offset after the last record that is done; 0 at first.
    done: AtomicI64,
}

impl Load {
    fn add(&self, bytes: usize) {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes records out that are done. Their effects are committed first, which is why the ordering is needed.
    fn settle(&self, records: &[RawRecord]) {
        if let Some(last) = records.last() {
            self.done.store(last.offset + 1, Ordering::Release);
        }
        self.records.fetch_sub(records.len(), Ordering::Relaxed);
        self.bytes.fetch_sub(records.iter().map(RawRecord::bytes).sum(), Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.records.load(Ordering::Relaxed) >= LANE_RECORDS_MAX
            || self.bytes.load(Ordering::Relaxed) >= LANE_BYTES_MAX
    }

    /// Half empty. Pausing drops what the client has fetched ahead, so it must not happen at every record.
    fn has_room(&self) -> bool {
        self.records.load(Ordering::Relaxed) <= LANE_RECORDS_MAX / 2
            && self.bytes.load(Ordering::Relaxed) <= LANE_BYTES_MAX / 2
    }
}

impl<H: Handler> Lanes<H> {
    /// Lanes whose tasks run in the current runtime.
    pub fn new(intake: Arc<Intake<H>>, kafka: KafkaConfig) -> Lanes<H> {
        let now = Instant::now();
        let open = Open {
            lanes: HashMap::new(),
            commit_at: now + COMMIT_EVERY,
            commit_again_at: now + COMMIT_AGAIN_EVERY,
        };
        Lanes { intake, kafka, runtime: Handle::current(), open: Mutex::new(open) }
    }

    /// Puts a record into its lane, and pauses the partition when the lane is full then.
    pub fn take(&self, consumer: &BaseConsumer<Self>, message: &BorrowedMessage<'_>) {
        let mut open = self.open();
        let partition = (message.topic().to_owned(), message.partition());
        let lane = open.lanes.entry(partition).or_insert_with(|| self.open_lane());
        let record = RawRecord::copy(message, self.kafka.contract_name(message.topic()));
        lane.load.add(record.bytes());
        // There is room: the queue holds twice what pauses the partition. A lane that has ended is found by `tend`.
        if lane.records.blocking_send(record).is_err() {
            return;
        }
        if !lane.paused && lane.load.is_full() {
            lane.paused = true;
            let result = consumer.pause(&one(message.topic(), message.partition()));
            log_failure("pause", result);
        }
    }

    /// Lifts pauses, commits offsets, and finds lanes that have ended by themselves.
    pub fn tend(&self, consumer: &BaseConsumer<Self>) -> Result<(), ConsumerError> {
        let mut open = self.open();
        for ((topic, partition), lane) in &mut open.lanes {
            if lane.task.is_finished() {
                return Err(ConsumerError::LaneEnded { topic: topic.clone(), partition: *partition });
            }
            if lane.paused && lane.load.has_room() {
                lane.paused = false;
                log_failure("resume", consumer.resume(&one(topic, *partition)));
            }
        }
        let now = Instant::now();
        if now >= open.commit_at {
            open.commit_at = now + COMMIT_EVERY;
            let again = now >= open.commit_again_at;
            if again {
                open.commit_again_at = now + COMMIT_AGAIN_EVERY;
            }
            let offsets = offsets(open.lanes.iter_mut(), again);
            if offsets.count() > 0 {
                log_failure("commit", consumer.commit(&offsets, CommitMode::Async));
            }
        }
        Ok(())
    }

    /// Closes all lanes.
    pub fn close_all(&self, consumer: &BaseConsumer<Self>) {
        let lanes = std::mem::take(&mut self.open().lanes);
        self.close(consumer, lanes.into_iter().collect());
    }

    /// Lifts the pauses, which would outlast the lanes: a partition that returns to this member would stay paused. Waits for
    /// the work in hand and commits what is done. Records that still wait in the lanes are dropped: no offset of
    /// theirs was committed, so the next owner of the partition gets them.
    fn close(&self, consumer: &BaseConsumer<Self>, mut lanes: Vec<(Partition, Lane)>) {
        for ((topic, partition), lane) in &lanes {
            lane.stop.cancel();
            if lane.paused {
                log_failure("resume", consumer.resume(&one(topic, *partition)));
            }
        }
        self.runtime.block_on(async {
            for (_, lane) in &mut lanes {
                if let Err(error) = (&mut lane.task).await {
                    tracing::error!(%error, "a lane ended by itself");
                }
            }
        });
        let offsets = offsets(lanes.iter_mut().map(|(partition, lane)| (&*partition, lane)), true);
        if offsets.count() > 0 {
            // Waits for the answer, at most as long as a session lasts: the next owner of the partition begins where this
            // member ended.
            log_failure("commit", consumer.commit(&offsets, CommitMode::Sync));
        }
    }

    fn open_lane(&self) -> Lane {
        let (records, queue) = mpsc::channel(2 * LANE_RECORDS_MAX);
        let (load, stop) = (Arc::new(Load::default()), CancellationToken::new());
        let work = work(Arc::clone(&self.intake), queue, Arc::clone(&load), stop.clone());
        Lane { records, load, stop, task: self.runtime.spawn(work), paused: false, committed: 0 }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a lane's records in until it is stopped.
async fn work<H: Handler>(
    intake: Arc<Intake<H>>,
    mut queue: mpsc::Receiver<RawRecord>,
    load: Arc<Load>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH_RECORDS_MAX);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = queue.recv_many(&mut batch, BATCH_RECORDS_MAX) => {
                if received == 0 {
                    return;
                }
            }
        }
        let done = intake.settle(&batch, &stop).await;
        load.settle(&batch[..done]);
        if done < batch.len() {
            return;
        }
        batch.clear();
    }
}

impl<H: Handler> ClientContext for Lanes<H> {
    /// Records how many records wait in the partitions of this member. In a partition without a committed offset, all of them wait.
    fn stats(&self, statistics: Statistics) {
        for (name, topic) in &statistics.topics {
            let own = topic.partitions.values().filter(|partition| partition.desired);
            let waiting = own.map(|partition| match partition.consumer_lag {
                0.. => partition.consumer_lag,
                _ => partition.hi_offset.max(0) - partition.lo_offset.max(0),
            });
            self.intake.gauges.lag(self.kafka.contract_name(name), waiting.sum());
        }
    }
}

impl<H: Handler> ConsumerContext for Lanes<H> {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(revoked) = rebalance else { return };
        let mut open = self.open();
        let lanes: Vec<(Partition, Lane)> = revoked
            .elements()
            .iter()
            .filter_map(|element| open.lanes.remove_entry(&(element.topic().to_owned(), element.partition())))
            .collect();
        drop(open);
        self.close(consumer, lanes);
    }
}

/// The offsets to commit: of what the lanes have done since the last commit that was requested, or everything they have done.
fn offsets<'a>(
    lanes: impl Iterator<Item = (&'a Partition, &'a mut Lane)>,
    again: bool,
) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), lane) in lanes {
        let done = lane.load.done.load(Ordering::Acquire);
        if done > lane.committed || (again && done > 0) {
            lane.committed = done;
            let added = offsets.add_partition_offset(topic, *partition, Offset::Offset(done));
            log_failure("commit", added);
        }
    }
    offsets
}

fn one(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, partition);
    list
}

/// A failure here costs duplicates or a delay; the next commit or poll makes up for it.
fn log_failure(what: &'static str, result: KafkaResult<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "kafka did not {what}");
    }
}
