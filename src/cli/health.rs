//! `normgate health`

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use crate::config::{parse_address, parse_duration, reachable};

/// Ask a running server whether it is ready: exit code 0 if it is, 1 if not.
///
/// For container health checks, where the image holds no other HTTP client.
#[derive(Args)]
pub struct HealthArgs {
    /// The address that the server listens on.
    #[arg(long, env = "NORMGATE_LISTEN", value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080", value_parser = parse_address)]
    listen: SocketAddr,

    /// The server's --probe-listen, if it has one: then that is asked.
    #[arg(long, env = "NORMGATE_PROBE_LISTEN", value_name = "ADDRESS:PORT",
        value_parser = parse_address)]
    probe_listen: Option<SocketAddr>,

    /// How long to wait for its answer.
    #[arg(long, env = "NORMGATE_HEALTH_TIMEOUT", value_name = "TIME", default_value = "2s",
        value_parser = parse_duration)]
    timeout: Duration,
}

/// Asks `/readyz`.
pub fn run(args: &HealthArgs) -> Result<(), Failure> {
    let address = reachable(args.probe_listen.unwrap_or(args.listen));
    let reply = ask(address, args.timeout.max(Duration::from_millis(1)))
        .map_err(|error| Failure::Reported(format!("no answer from {address}: {error}")))?;
    let status = reply.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        println!("ready");
        return Ok(());
    }
    let body = reply.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(Failure::Reported(format!(
        "{address} is not ready ({status}): {body}"
    )))
}

fn ask(address: SocketAddr, timeout: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    // The answer is short; anything long is not ours.
    stream.take(64 * 1024).read_to_string(&mut reply)?;
    Ok(reply)
}
