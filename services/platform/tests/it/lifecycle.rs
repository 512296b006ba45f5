//! A process's life: how it ends when it is stopped, when it is not, and when it takes too long.

use std::{
    env,
    future::{pending, ready},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use platform::lifecycle::{Ending, Lifecycle};
use tokio::sync::oneshot;

/// More than any of the tests' tasks takes to drain.
const LONG: Duration = Duration::from_mins(1);

/// For tasks that never end.
const SHORT: Duration = Duration::from_millis(20);

type Done = Result<(), String>;

async fn until_soft(life: Lifecycle) -> Done {
    life.soft().cancelled().await;
    Ok(())
}

#[tokio::test]
async fn work_in_hand_is_finished_before_the_end() {
    let life = Lifecycle::new();
    let (last_request, finish) = oneshot::channel::<()>();
    let finished = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&finished);
    let soft = life.soft();
    life.spawn("server", async move {
        soft.cancelled().await;
        finish.await.map_err(|error| error.to_string())?;
        seen.store(true, Ordering::SeqCst);
        Done::Ok(())
    });
    life.spawn("idle", until_soft(life.clone()));
    let soft = life.soft();
    tokio::spawn(async move {
        soft.cancelled().await;
        last_request.send(()).unwrap();
    });
    assert_eq!(life.run_until(ready(()), LONG).await, Ending::Drained);
    assert!(finished.load(Ordering::SeqCst));
}

#[tokio::test]
async fn readiness_is_off_before_tasks_are_stopped_and_never_on_again() {
    let life = Lifecycle::new();
    let readiness = life.ready();
    assert!(!*readiness.borrow(), "not before it says so");
    life.set_ready();
    assert!(*readiness.borrow());
    let (soft, seen) = (life.soft(), life.ready());
    life.spawn("server", async move {
        soft.cancelled().await;
        if *seen.borrow() { Err("still ready".to_owned()) } else { Ok(()) }
    });
    let handle = life.clone();
    assert_eq!(life.run_until(async move { handle.stop() }, LONG).await, Ending::Drained);
    assert!(!*readiness.borrow());
}

#[tokio::test]
async fn a_process_that_is_stopping_does_not_become_ready() {
    let life = Lifecycle::new();
    life.stop();
    life.set_ready();
    assert!(!*life.ready().borrow());
    assert_eq!(life.run_until(pending(), LONG).await, Ending::Drained);
}

#[tokio::test]
async fn a_task_on_a_thread_of_its_own_ends_like_any_other() {
    let life = Lifecycle::new();
    life.spawn_apart("apart", until_soft(life.clone())).unwrap();
    assert_eq!(life.run_until(ready(()), LONG).await, Ending::Drained);

    let life = Lifecycle::new();
    life.spawn_apart("failing", ready(Err("no more"))).unwrap();
    let crashed = Ending::Crashed { task: "failing", reason: "no more".to_owned() };
    assert_eq!(life.run_until(pending(), LONG).await, crashed);

    let life = Lifecycle::new();
    life.spawn_apart::<String>("panicking", async { panic!("the books are gone") }).unwrap();
    let crashed = Ending::Crashed { task: "panicking", reason: "panicked".to_owned() };
    assert_eq!(life.run_until(pending(), LONG).await, crashed);

    // What it holds is dropped when it is cut.
    let life = Lifecycle::new();
    let (held, dropped) = oneshot::channel::<()>();
    life.spawn_apart("endless", async move {
        let _held = held;
        pending::<Done>().await
    })
    .unwrap();
    assert_eq!(life.run_until(ready(()), SHORT).await, Ending::Cut { tasks: vec!["endless"] });
    assert!(dropped.await.is_err());
}

#[tokio::test]
async fn a_task_that_ends_as_soon_as_it_is_stopped_is_no_crash() {
    for _ in 0..100 {
        let life = Lifecycle::new();
        life.spawn("quick", until_soft(life.clone()));
        life.stop();
        tokio::task::yield_now().await;
        assert_eq!(life.run_until(pending(), LONG).await, Ending::Drained);
    }
}

#[tokio::test]
async fn what_takes_too_long_is_cut_and_named() {
    let life = Lifecycle::new();
    let hard = life.hard();
    life.spawn("idle", until_soft(life.clone()));
    life.spawn("endless", pending::<Done>());
    assert!(!hard.is_cancelled());
    assert_eq!(life.run_until(ready(()), SHORT).await, Ending::Cut { tasks: vec!["endless"] });
    assert!(hard.is_cancelled());
}

#[tokio::test]
async fn a_task_that_ends_by_itself_is_a_crash_and_the_others_drain() {
    type Fails = fn() -> Done;
    let ways: [(Fails, &str); 2] =
        [(|| Ok(()), "ended by itself"), (|| Err("no books".to_owned()), "no books")];
    for (end, reason) in ways {
        let life = Lifecycle::new();
        let drained = Arc::new(AtomicBool::new(false));
        let (seen, soft) = (Arc::clone(&drained), life.soft());
        life.spawn("other", async move {
            soft.cancelled().await;
            seen.store(true, Ordering::SeqCst);
            Done::Ok(())
        });
        life.spawn("writer", async move { end() });
        let readiness = life.ready();
        life.set_ready();
        let ending = life.run_until(pending(), LONG).await;
        assert_eq!(ending, Ending::Crashed { task: "writer", reason: reason.to_owned() });
        assert!(!ending.is_clean());
        assert!(drained.load(Ordering::SeqCst) && !*readiness.borrow());
    }
}

#[tokio::test]
async fn a_task_that_panics_is_a_crash_and_named() {
    let life = Lifecycle::new();
    life.spawn("other", until_soft(life.clone()));
    life.spawn::<String>("writer", async { panic!("the books are gone") });
    let Ending::Crashed { task, reason } = life.run_until(pending(), LONG).await else {
        panic!("not a crash");
    };
    assert_eq!(task, "writer");
    assert!(reason.contains("the books are gone"), "{reason}");
}

#[tokio::test]
async fn a_task_that_fails_while_it_drains_is_named() {
    let life = Lifecycle::new();
    let soft = life.soft();
    life.spawn("relay", async move {
        soft.cancelled().await;
        Err("could not flush".to_owned())
    });
    let ending = life.run_until(ready(()), LONG).await;
    assert_eq!(ending, Ending::Crashed { task: "relay", reason: "could not flush".to_owned() });
}

#[test]
fn a_signal_stops_the_process_in_good_order() {
    for signal in ["TERM", "INT"] {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["lifecycle::life_of_a_process_of_its_own", "--exact", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(output.any(|line| line.unwrap().contains("it lives")));
        let sent = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(output.any(|line| line.unwrap().contains("Drained")), "{signal}");
        assert!(process.wait().unwrap().success());
    }
}

#[tokio::test]
#[ignore = "not a test: the process that a test signals"]
async fn life_of_a_process_of_its_own() {
    let life = Lifecycle::new();
    let soft = life.soft();
    life.spawn("task", async move {
        println!("it lives");
        soft.cancelled().await;
        Done::Ok(())
    });
    println!("{:?}", life.run_until_signal(LONG).await);
}
