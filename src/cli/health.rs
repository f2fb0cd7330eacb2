//! `normgate health`

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use clap::Args;

use super::failure::Failure;
use crate::config::{parse_address, parse_address_or_none, parse_duration, reachable};

/// Ask a running server whether it is ready: exit code 0 if it is, 1 if not.
///
/// For health checks in containers that have no other HTTP client.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  normgate health\n  normgate health --listen 127.0.0.1:9090 --timeout 5s"
)]
pub struct HealthArgs {
    /// The address to ask [default: NORMGATE_PROBE_LISTEN, else NORMGATE_LISTEN, else
    /// 127.0.0.1:8080]
    #[arg(long, env = "NORMGATE_HEALTH_LISTEN", value_name = "ADDRESS:PORT",
        value_parser = parse_address)]
    listen: Option<SocketAddr>,

    /// How long to wait for the answer.
    #[arg(long, env = "NORMGATE_HEALTH_TIMEOUT", value_name = "TIME", default_value = "2s",
        value_parser = parse_duration)]
    timeout: Duration,
}

/// Asks `/readyz`.
pub fn run(args: &HealthArgs) -> Result<(), Failure> {
    let address = reachable(match args.listen {
        Some(address) => address,
        None => served_at().map_err(Failure::Usage)?,
    });
    let reply = ask(address, args.timeout.max(Duration::from_millis(1)))
        .map_err(|error| Failure::Reported(format!("no answer from {address}: {error}")))?;
    let status = reply.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        writeln!(io::stdout(), "ready").map_err(|error| Failure::Failed(error.into()))?;
        return Ok(());
    }
    let body = reply.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(Failure::Reported(format!(
        "{address} is not ready ({status}): {body}"
    )))
}

/// Where to ask a server with this environment: if possible at its address for probes, which clients cannot fill.
fn served_at() -> Result<SocketAddr, String> {
    let set = |name| env::var(name).unwrap_or_default();
    let named = |name, text: &str, error| format!("{name}, {text:?}: {error}");
    let probes = set("NORMGATE_PROBE_LISTEN");
    let address = parse_address_or_none(&probes);
    if let Some(address) =
        address.map_err(|error| named("NORMGATE_PROBE_LISTEN", &probes, error))?
    {
        return Ok(address);
    }
    match set("NORMGATE_LISTEN").as_str() {
        "" => Ok(SocketAddr::from(([127, 0, 0, 1], 8080))),
        text => parse_address(text).map_err(|error| named("NORMGATE_LISTEN", text, error)),
    }
}

fn ask(address: SocketAddr, timeout: Duration) -> io::Result<String> {
    let end = Instant::now() + timeout;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_write_timeout(Some(timeout))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut reply = Vec::new();
    let mut piece = [0; 4096];
    // The answer is short; anything long is not ours.
    while reply.len() < 64 * 1024 {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => break,
            count => reply.extend_from_slice(&piece[..count]),
        }
    }
    String::from_utf8(reply).map_err(|_| io::ErrorKind::InvalidData.into())
}
