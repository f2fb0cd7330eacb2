//! Where to listen, and how long to wait for whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use super::units::{expected, parse_count, parse_duration, parse_some_time};

/// An address, or none. Not `Option` by name, which clap takes for an option without a default.
type OptionalAddress = Option<SocketAddr>;

/// The listening socket, its timeouts, and the steps of shutting down.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpConfig {
    /// Address and port to listen on. 0.0.0.0:8080 makes the server reachable from outside; port 0
    /// takes a free port.
    #[arg(long, aliases = ["address", "bind", "host", "port"], env = "NORMGATE_LISTEN", value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080", value_parser = parse_address)]
    pub listen: SocketAddr,

    /// A second address with connections of its own, for probes and Prometheus: there, /livez,
    /// /readyz and /metrics are answered however many clients are connected to --listen, and images
    /// are not classified. Clients should not reach it.
    #[arg(long, env = "NORMGATE_PROBE_LISTEN", value_name = "ADDRESS:PORT|none",
        default_value = "none", value_parser = parse_address_or_none)]
    pub probe_listen: OptionalAddress,

    /// How long a connection may take to send a request's head, or may stay idle.
    #[arg(long, env = "NORMGATE_HEADER_TIMEOUT", value_name = "TIME", default_value = "30s",
        value_parser = parse_some_time)]
    pub header_timeout: Duration,

    /// How long a request's body may take to arrive (after that the answer is 408), and for how
    /// long a client may take nothing of its answer.
    #[arg(long, env = "NORMGATE_BODY_TIMEOUT", value_name = "TIME", default_value = "30s",
        value_parser = parse_some_time)]
    pub body_timeout: Duration,

    /// The most client connections open at once. When all are taken, the one that has kept the
    /// server waiting longest, for a second or more, is closed to make room for the next.
    #[arg(long, env = "NORMGATE_MAX_CONNECTIONS", value_name = "N", default_value = "1024",
        value_parser = parse_count::<1_000_000>)]
    pub max_connections: NonZeroUsize,

    /// On SIGTERM, how long to go on accepting requests while /readyz already answers 503, so that
    /// load balancers can look elsewhere. In Kubernetes, a few seconds.
    #[arg(long, env = "NORMGATE_DRAIN_DELAY", value_name = "TIME", default_value = "500ms",
        value_parser = parse_duration)]
    pub drain_delay: Duration,

    /// After --drain-delay, how long requests in flight may take before they are cut off.
    #[arg(long, env = "NORMGATE_SHUTDOWN_TIMEOUT", value_name = "TIME", default_value = "20s",
        value_parser = parse_duration)]
    pub shutdown_timeout: Duration,
}

impl HttpConfig {
    /// Says what does not fit together although each option by itself is fine.
    pub fn check(&self) -> Result<(), String> {
        let Some(probes) = self.probe_listen else {
            return Ok(());
        };
        let clients = self.listen;
        let is_same = takes(clients.ip(), probes.ip()) || takes(probes.ip(), clients.ip());
        match clients.port() == probes.port() && probes.port() != 0 && is_same {
            true => Err(format!(
                "--probe-listen {probes} is taken by --listen {clients}: choose another port, or leave it out"
            )),
            false => Ok(()),
        }
    }
}

/// Whether listening at this address keeps everyone from listening at the other one. On Linux, `::` takes both
/// families.
fn takes(ip: IpAddr, other: IpAddr) -> bool {
    let (ip, other) = (ip.to_canonical(), other.to_canonical());
    let is_all = ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4());
    is_all || ip == other
}

/// Reads an address, or `none`. So is an empty text: a container image's variable cannot be unset, only emptied.
pub fn parse_address_or_none(text: &str) -> Result<Option<SocketAddr>, String> {
    match text {
        "" | "none" => Ok(None),
        address => parse_address(address).map(Some),
    }
}

/// Reads an IP address and a port.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    // `localhost:8080` is what people type; anything else that needs looking up is refused rather
    // than resolved to one of several addresses by chance.
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| {
        let wanted = "an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080";
        expected(&text, wanted)
    })
}

/// The address at which a client on this machine reaches a server that listens there.
pub fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_understood_and_other_names_are_refused() {
        assert_eq!(
            parse_address("localhost:81").unwrap(),
            "127.0.0.1:81".parse().unwrap()
        );
        assert_eq!(
            parse_address("[::1]:81").unwrap(),
            "[::1]:81".parse().unwrap()
        );
        assert!(
            parse_address("example.org:80")
                .unwrap_err()
                .contains("IP address")
        );
        assert!(parse_address("").unwrap_err().contains("unset"));
        assert!(parse_address("8080").is_err());
        assert!(parse_address("127.0.0.1:99999").is_err());
    }

    #[test]
    fn all_addresses_of_a_family_include_each_of_it_and_those_of_the_sixth_version_all() {
        let both = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse().unwrap());
            takes(one, other) || takes(other, one)
        };
        assert!(both("127.0.0.1", "127.0.0.1") && !both("127.0.0.1", "127.0.0.2"));
        assert!(both("0.0.0.0", "127.0.0.1") && !both("0.0.0.0", "::1"));
        assert!(both("::", "::1") && both("::", "127.0.0.1") && both("::", "0.0.0.0"));
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_by_the_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(at("[::]:80"), "[::1]:80");
        assert_eq!(at("10.1.2.3:80"), "10.1.2.3:80");
    }
}
