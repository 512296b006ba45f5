//! Admission of calls: up to a bound, and none once the service is shutting down.

use std::{sync::Arc, time::Duration};

use opentelemetry::global;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::refusal::{Refusal, reasons};

/// When a caller may repeat a call that was refused because of too many others: calls take milliseconds.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_millis(200);

/// When a caller may repeat a call that was refused because of a shutdown: by then it goes to another replica.
const SHUTTING_DOWN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The calls in flight.
#[derive(Debug)]
pub struct Admission {
    places: Arc<Semaphore>,
    places_max: u32,
    stopping: CancellationToken,
}

impl Admission {
    /// Admits so many calls at a time, until `stopping`.
    pub fn new(places_max: u32, stopping: CancellationToken) -> Self {
        let places = Arc::new(Semaphore::new(places_max.try_into().unwrap_or(Semaphore::MAX_PERMITS)));
        let free = Arc::downgrade(&places);
        let meter = global::meter("countinghouse.rpc");
        meter
            .u64_observable_gauge("countinghouse.rpc.in_flight")
            .with_unit("{call}")
            .with_description("calls that are being worked on")
            .with_callback(move |observer| {
                let Some(free) = free.upgrade() else { return };
                let free = u64::try_from(free.available_permits()).unwrap_or(u64::MAX);
                observer.observe(u64::from(places_max).saturating_sub(free), &[]);
            })
            .build();
        meter
            .u64_observable_gauge("countinghouse.rpc.in_flight_max")
            .with_unit("{call}")
            .with_description("calls that are taken at a time")
            .with_callback(move |observer| observer.observe(places_max.into(), &[]))
            .build();
        Self { places, places_max, stopping }
    }

    /// Admits a call if there is a place for it. The call keeps its place until the returned value is dropped.
    pub fn admit(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let place = self.places.try_acquire();
        if self.stopping.is_cancelled() {
            return Err(reasons::SHUTTING_DOWN
                .refuse("the service is shutting down")
                .retry_after(SHUTTING_DOWN_RETRY_AFTER));
        }
        place.map_err(|_| {
            reasons::OVERLOADED
                .refuse(format!("{} calls are in flight, and no more are taken", self.places_max))
                .retry_after(OVERLOADED_RETRY_AFTER)
        })
    }

    /// Waits until the service is shutting down and every admitted call is answered.
    pub async fn drained(&self) {
        self.stopping.cancelled().await;
        drop(self.places.acquire_many(self.places_max).await);
    }
}
