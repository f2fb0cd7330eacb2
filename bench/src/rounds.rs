//! The measurements: in every round, ONNX Runtime alone and the servers take turns, so that whatever disturbs the
//! machine for a while disturbs both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::ProgressBar;
use normgate_core::{Model, Runtime};

use crate::error::BenchError;
use crate::load::{ClosedLoop, Latencies, Outcome};
use crate::machine::cores;
use crate::pictures::Input;
use crate::plan::Plan;
use crate::processes;
use crate::raw::{self, Layout, batches, layouts};
use crate::report::{Cell, Load, Raw, Searched, Server};
use crate::requests::requests;
use crate::server::{Contender, Running, cache_home};
use crate::statistics::Spread;

/// Layouts and batches with at least this share of the search's best rate are measured in every round, but no more
/// than `MOST_CANDIDATES`: the search is too short to tell them apart.
const CLOSE: f64 = 0.9;
const MOST_CANDIDATES: usize = 4;

const MIB: f64 = 1024.0 * 1024.0;

/// All that is the same in every cell.
pub struct Bench<'a> {
    /// ONNX Runtime.
    pub runtime: &'a Runtime,
    /// What to measure.
    pub plan: &'a Plan,
    /// The servers.
    pub contenders: &'a [Contender],
    /// Where servers' logs go.
    pub logs: PathBuf,
    /// One step a measurement.
    pub bar: &'a ProgressBar,
}

/// A layout with a batch, and what it did in each round.
struct Candidate {
    layout: Layout,
    batch: usize,
    rates: Vec<f64>,
}

/// What one server did in each round.
#[derive(Default)]
struct Rounds {
    workers: Option<usize>,
    lone_threads: Option<usize>,
    starts: Vec<f64>,
    peak: Option<f64>,
    loads: BTreeMap<usize, Vec<Measured>>,
}

/// What a server did in one round with a number of connections.
struct Measured {
    /// Which round: one in which the server failed is missing.
    round: usize,
    outcome: Outcome,
    resident_mib: Option<f64>,
}

impl Bench<'_> {
    /// Measures a model with a kind of image.
    ///
    /// # Errors
    /// [`BenchError`] if a server or ONNX Runtime fails.
    pub fn cell(
        &self,
        path: &Path,
        model: &Model,
        name: &str,
        input: Input,
    ) -> Result<Cell, BenchError> {
        let files = input.files()?;
        // So that each cell's first start is that of a machine that has not seen the model.
        let _ = std::fs::remove_dir_all(cache_home(&self.logs));
        self.bar
            .set_message(format!("{name}, {}: raw limit", input.title()));
        let search = self.search(model)?;
        let mut candidates = candidates(&search);
        let (mut decoding, mut inference) = (Vec::new(), BTreeMap::<usize, Vec<f64>>::new());
        let mut rounds: Vec<Rounds> = self.contenders.iter().map(|_| Rounds::default()).collect();
        let half = self.plan.time / 2;
        let moment = self.plan.time / 4;
        for round in 0..self.plan.rounds {
            let before = self.raw(model, &candidates, half)?;
            decoding.push(raw::decode_ms(
                &model.manifest().preprocessing,
                &files,
                moment,
            )?);
            for threads in [1, cores()] {
                let alone = Layout {
                    sessions: 1,
                    threads,
                };
                let rates = raw::measure(self.runtime, model, alone, &[1], moment)?;
                inference
                    .entry(threads)
                    .or_default()
                    .extend(rates.iter().map(|rate| rate.run_ms));
            }
            for (index, (contender, rounds)) in self.contenders.iter().zip(&mut rounds).enumerate()
            {
                self.bar
                    .set_message(format!("{name}, {}: {}", input.title(), contender.name));
                match self.serve(contender, path, &files, input, round, rounds) {
                    // A peer that fails is a result, too.
                    Err(error) if index > 0 => self.bar.suspend(|| eprintln!("{error}")),
                    outcome => outcome?,
                }
            }
            let after = self.raw(model, &candidates, half)?;
            for (candidate, (before, after)) in candidates.iter_mut().zip(before.iter().zip(after))
            {
                candidate.rates.push((before + after) / 2.0);
            }
        }
        let raw = best(candidates, search)?;
        let servers = self.contenders.iter().zip(rounds);
        let servers = servers.map(|(contender, rounds)| rounds.summary(contender, &raw.1));
        let inference_ms = inference.into_iter();
        Ok(Cell {
            model: name.into(),
            input,
            input_bytes: files.iter().map(Vec::len).sum::<usize>() / files.len().max(1),
            decode_ms: median(&decoding),
            inference_ms: inference_ms
                .map(|(threads, runs)| (threads, median(&runs)))
                .collect(),
            servers: servers.collect(),
            raw: raw.0,
        })
    }

    /// Tries every layout with every batch, briefly.
    fn search(&self, model: &Model) -> Result<Vec<Searched>, BenchError> {
        let time = self.plan.time / 10;
        let mut search = Vec::new();
        let device = self.runtime.device();
        for layout in layouts(device, cores()) {
            let rates = raw::measure(self.runtime, model, layout, batches(device), time)?;
            search.extend(rates.iter().map(|rate| Searched {
                layout,
                batch: rate.batch,
                images_per_second: rate.images_per_second,
            }));
        }
        Ok(search)
    }

    fn raw(
        &self,
        model: &Model,
        candidates: &[Candidate],
        time: Duration,
    ) -> Result<Vec<f64>, BenchError> {
        self.bar.inc(1);
        let rate = |candidate: &Candidate| {
            let batch = [candidate.batch];
            let rates = raw::measure(self.runtime, model, candidate.layout, &batch, time)?;
            Ok(rates.iter().map(|rate| rate.images_per_second).sum())
        };
        candidates.iter().map(rate).collect()
    }

    /// Starts the server anew, loads it with each number of connections, and stops it.
    fn serve(
        &self,
        contender: &Contender,
        model: &Path,
        files: &[Vec<u8>],
        input: Input,
        round: usize,
        rounds: &mut Rounds,
    ) -> Result<(), BenchError> {
        let mut running = contender.start(model, &self.logs)?;
        rounds.starts.push(running.started_in.as_secs_f64());
        rounds.workers = running.workers;
        rounds.lone_threads = running.lone_threads;
        let requests = requests(contender, running.address, input.media_type(), files);
        for &connections in &self.plan.connections {
            let outcome = self.load(&running, &requests, connections)?;
            if running.has_ended() {
                return Err(running.failure("ended under load"));
            }
            let memory = processes::memory(running.group());
            rounds.loads.entry(connections).or_default().push(Measured {
                round,
                outcome,
                resident_mib: memory.map(|memory| memory.resident as f64 / MIB),
            });
            if let Some(memory) = memory {
                let peak = memory.peak as f64 / MIB;
                rounds.peak = Some(rounds.peak.map_or(peak, |so_far: f64| so_far.max(peak)));
            }
            self.bar.inc(1);
        }
        running.stop();
        Ok(())
    }

    fn load(
        &self,
        running: &Running,
        requests: &[Vec<u8>],
        connections: usize,
    ) -> Result<Outcome, BenchError> {
        let closed_loop = ClosedLoop {
            address: running.address,
            requests,
            connections,
            warm_up: self.plan.time / 4,
            measured: self.plan.time,
        };
        let cpu = || processes::cpu_time(running.group());
        closed_loop.run(cpu).map_err(BenchError::Load)
    }
}

/// The fastest steps of the search, the fastest first.
fn candidates(search: &[Searched]) -> Vec<Candidate> {
    let mut steps: Vec<&Searched> = search.iter().collect();
    steps.sort_by(|one, other| other.images_per_second.total_cmp(&one.images_per_second));
    let most = steps.first().map_or(0.0, |best| best.images_per_second);
    steps
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|step| step.images_per_second >= CLOSE * most)
        .map(|step| Candidate {
            layout: step.layout,
            batch: step.batch,
            rates: Vec::new(),
        })
        .collect()
}

/// The candidate with the best median, and its rate in each round.
fn best(candidates: Vec<Candidate>, search: Vec<Searched>) -> Result<(Raw, Vec<f64>), BenchError> {
    let measured = candidates.into_iter().filter_map(|candidate| {
        let spread = Spread::of(&candidate.rates)?;
        Some((candidate, spread))
    });
    let best = measured.max_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    let none = || BenchError::Options("nothing can be measured in no rounds".into());
    let (candidate, images_per_second) = best.ok_or_else(none)?;
    let raw = Raw {
        layout: candidate.layout,
        batch: candidate.batch,
        images_per_second,
        search,
    };
    Ok((raw, candidate.rates))
}

fn median(values: &[f64]) -> f64 {
    Spread::of(values).map_or(0.0, |spread| spread.median)
}

impl Rounds {
    fn summary(self, contender: &Contender, raw: &[f64]) -> Server {
        let loads = self.loads.into_iter();
        Server {
            name: contender.name.clone(),
            variant: contender.variant.clone(),
            workers: self.workers,
            lone_threads: self.lone_threads,
            start_seconds: Spread::of(&self.starts),
            peak_mib: self.peak,
            loads: loads
                .filter_map(|(connections, rounds)| load(connections, &rounds, raw))
                .collect(),
        }
    }
}

/// The rounds in which a number of connections was measured, put together; `raw` is the raw limit of every round.
fn load(connections: usize, rounds: &[Measured], raw: &[f64]) -> Option<Load> {
    let rates: Vec<f64> = rounds.iter().map(|it| it.outcome.rate()).collect();
    let shares = rates.iter().zip(rounds);
    let shares: Vec<f64> = shares.map(|(rate, it)| rate / raw[it.round]).collect();
    let mut latencies = Latencies::default();
    let mut errors = BTreeMap::<String, u64>::new();
    let (mut own, mut server) = (Duration::ZERO, Some(Duration::ZERO));
    for Measured { outcome, .. } in rounds {
        latencies.merge(&outcome.latencies);
        for (reason, count) in &outcome.errors {
            *errors.entry(reason.clone()).or_default() += count;
        }
        own += outcome.own_cpu;
        server = server.zip(outcome.server_cpu).map(|(sum, cpu)| sum + cpu);
    }
    let answered = latencies.count();
    let each = |cpu: Duration| (answered > 0).then(|| cpu.as_secs_f64() / answered as f64);
    Some(Load {
        connections,
        requests_per_second: Spread::of(&rates)?,
        share_of_raw: Spread::of(&shares)?,
        p50_ms: latencies.quantile_ms(0.50),
        p99_ms: latencies.quantile_ms(0.99),
        answered,
        errors,
        cpu_ms: server.and_then(each).map(|seconds| 1e3 * seconds),
        own_cpu_us: each(own).map(|seconds| 1e6 * seconds),
        resident_mib: rounds
            .iter()
            .filter_map(|it| it.resident_mib)
            .reduce(f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(rates: &[f64]) -> Vec<Searched> {
        let one = |(index, &images_per_second)| Searched {
            layout: Layout {
                sessions: 1,
                threads: 1,
            },
            batch: index + 1,
            images_per_second,
        };
        rates.iter().enumerate().map(one).collect()
    }

    fn batches(rates: &[f64]) -> Vec<usize> {
        let candidates = candidates(&searched(rates));
        candidates.iter().map(|candidate| candidate.batch).collect()
    }

    #[test]
    fn what_the_search_cannot_tell_from_the_best_is_measured_in_the_rounds_but_no_more_than_four() {
        assert_eq!(batches(&[60.0, 95.0, 100.0]), [3, 2]);
        assert_eq!(
            batches(&[90.0, 95.0, 100.0, 91.0, 92.0, 99.0]),
            [3, 6, 2, 5]
        );
        assert!(batches(&[]).is_empty());
    }

    #[test]
    fn the_raw_limit_is_that_of_the_best_median_not_of_the_best_round() {
        let search = searched(&[100.0, 99.0]);
        let mut measured = candidates(&search);
        measured[0].rates = vec![90.0, 91.0, 140.0];
        measured[1].rates = vec![95.0, 96.0, 97.0];
        let (raw, rates) = best(measured, search).unwrap();
        assert_eq!((raw.batch, raw.images_per_second.median), (2, 96.0));
        assert_eq!(rates, [95.0, 96.0, 97.0]);
    }

    #[test]
    fn a_server_that_failed_in_a_round_is_compared_with_the_raw_limit_of_the_others() {
        let measured = |round| {
            let mut outcome = Outcome {
                seconds: 1.0,
                ..Outcome::default()
            };
            outcome.latencies.record(Duration::from_millis(1));
            Measured {
                round,
                outcome,
                resident_mib: None,
            }
        };
        let share = |rounds: &[usize]| {
            let rounds: Vec<_> = rounds.iter().copied().map(measured).collect();
            let load = load(1, &rounds, &[2.0, 4.0, 8.0]).unwrap();
            load.share_of_raw.median
        };
        assert_eq!(
            (share(&[0, 1, 2]), share(&[1]), share(&[2])),
            (0.25, 0.25, 0.125)
        );
    }

    #[test]
    fn nothing_measured_is_an_error_that_says_so() {
        let error = best(Vec::new(), Vec::new()).err().unwrap();
        assert!(error.to_string().contains("no rounds"), "{error}");
    }
}
