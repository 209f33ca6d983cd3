//! A rank other than 0: obey orders, pass on reports, be heard from time to time.

use super::compute::Compute;
use super::protocol::{HEARTBEAT, LONGEST_SLEEP, Order, Report, SHORTEST_SLEEP, decode, encode};
use super::stop::Signals;
use crate::comm::Comm;
use crate::job::Job;
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Instant;

/// Serves the coordinator until it says to leave.
///
/// # Errors
/// Only bugs: an order that cannot be decoded, no thread to be had.
pub fn serve(comm: &dyn Comm, job: Arc<Job>, signals: &Signals) -> Result<()> {
    let compute = Compute::spawn(job, comm.size())
        .map_err(|e| Error::Internal(format!("no compute thread: {e}")))?;
    // Ready for work: an empty report.
    comm.send(0, &encode(&Report::default()));
    let mut sleep = LONGEST_SLEEP;
    let mut asked = false;
    let mut spoke = Instant::now();
    loop {
        while let Some((_, bytes)) = comm.try_receive() {
            sleep = SHORTEST_SLEEP;
            match decode(&bytes).map_err(|e| Error::Internal(format!("order: {e}")))? {
                Order::Run(tasks) => compute.run(tasks),
                Order::Snapshot => compute.request_snapshot(),
                Order::Stop => compute.stop(),
                Order::Leave => return Ok(()),
            }
        }
        let mut report = compute.reports(sleep);
        if signals.stop_requested() && !asked {
            asked = true;
            report.get_or_insert_default().stop_requested = true;
        }
        if spoke.elapsed() >= HEARTBEAT {
            report.get_or_insert_default();
        }
        sleep = match report {
            Some(report) => {
                comm.send(0, &encode(&report));
                spoke = Instant::now();
                SHORTEST_SLEEP
            }
            None => (sleep * 2).min(LONGEST_SLEEP),
        };
    }
}
