//! The command line: every command, its arguments and its help. What a command does stands elsewhere.
//!
//! Without a command the demo starts. Commands about a panel's books find them by `--data-dir` or `--config`, and
//! work whether the panel runs or not.

mod moves;
mod operate;
mod operator;
mod order;
mod run;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use moves::{MoveArgs, Store};
pub use operate::{CustomerCommand, ProviderCommand, RouteArgs, ServiceCommand};
pub use operator::{OperatorCommand, PasswordArgs};
pub use order::{OrderCommand, ReportedRefill, ReportedStatus, Verdict};
pub use run::{CallArgs, DemoArgs, ServeArgs, SimulatorArgs};

/// Stands above the options in `--help`: the commands in groups, which the parser can't show by itself.
const COMMANDS: &str = "\
Run a panel:
  (no command)    The demo: a panel with a simulated provider, two customers and a catalogue
  serve           A real panel, as panelworks.toml says
  check-config    Read the configuration and say what is wrong with it
  doctor          What is wrong with this installation, in plain words

Look after it (whether it runs or not):
  operator        Who may look after it: add, list, suspend; new passwords and keys
  customer        Add, list, credit, suspend; new keys
  provider        Add, list, test, fund; import its services
  service         List and change what is sold
  order           Look at orders, and settle those that wait for you
  check           Audit every invariant of the books
  backup          A consistent copy, while the panel runs
  restore         Put a backup in the place of a new panel's books
  migrate-store   Move the books to PostgreSQL, or back

Talk to any panel:
  call            One call of API v2: panelworks call --url … --key … balance
  provider-sim    A simulated provider on its own

Set up your shell:
  completions     Completions for bash, zsh, fish and others
  man             Man pages";

const EXAMPLES: &str = "\
Examples:
  panelworks                                     Try it: everything is set up, orders are delivered
  panelworks serve --config panelworks.toml      The real thing
  panelworks customer add anna --balance 100     Prints her API key, once
  panelworks provider import 1 --all --markup 30 Sell what provider 1 sells, 30 % dearer
  panelworks order list-held                     Orders that wait for you, and why
  panelworks check --json                        Exit code 1 if the books don't balance

Exit codes: 0 done, 1 refused or something found, 2 wrong command line or configuration.";

/// A self-hosted panel: sells social-media marketing services over API v2, orders them from providers, and keeps
/// books that always balance.
#[derive(Debug, Parser)]
#[command(
    name = "panelworks",
    version,
    max_term_width = 110,
    subcommand_help_heading = "Commands",
    help_template = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}Options of the demo:\n{options}{after-help}",
    before_help = COMMANDS,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub demo: DemoArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the demo, as without a command
    Demo(DemoArgs),
    /// Start a real panel
    ///
    /// Reads the configuration, opens the books, and serves until it is stopped with Ctrl-C or SIGTERM. Then it takes
    /// nothing new, finishes what it has accepted, and waits for calls to providers that may have spent money.
    Serve(ServeArgs),
    /// Read the configuration and say everything that is wrong with it
    CheckConfig {
        /// The file
        #[arg(default_value = "panelworks.toml")]
        file: PathBuf,
    },
    /// Say in plain words what is wrong with this installation
    Doctor {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
        /// Don't ask providers for the balance
        #[arg(long)]
        offline: bool,
    },
    /// Operators: add, list, suspend; new passwords and admin keys
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Customers: add, list, credit, suspend; new keys
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Providers: add, list, test, fund; import their services
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Services: list and change what is sold
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Orders: look at them, and settle those that wait for you
    #[command(subcommand)]
    Order(OrderCommand),
    /// Audit every invariant of the books over everything that is stored
    ///
    /// Reads, never repairs. Exit code 1 if anything is violated.
    Check {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Copy the books, consistently, while the panel runs
    ///
    /// The copy is audited before the command says it is done. The key over the providers' keys (secret.key) is not
    /// in it: keep that apart.
    Backup {
        /// The file to make
        file: PathBuf,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Put a backup in the place of a new panel's books
    ///
    /// The folder must not hold books yet. Nothing that was planned or under way at the time of the backup is sent
    /// again by itself: it becomes an unknown outcome for you to settle, and order ids go on a million further.
    Restore {
        /// The backup
        #[arg(required_unless_present = "in_place")]
        file: Option<PathBuf>,
        /// The books were put back already, by PostgreSQL's own tools: only make them safe to go on with
        #[arg(long, conflicts_with = "file")]
        in_place: bool,
        #[command(flatten)]
        panel: PanelArgs,
    },
    /// Move the books of a stopped panel to PostgreSQL, or back into its folder
    ///
    /// The configuration names both places: the folder and the database. Both sides are audited and compared table by
    /// table; then the books that are left behind are marked, and nothing starts on them. What is interrupted leaves
    /// nothing half done: run it again.
    #[command(after_help = MOVE_EXAMPLES)]
    MigrateStore(MoveArgs),
    /// Make one call of API v2 to any panel
    #[command(after_help = CALL_EXAMPLES)]
    Call(CallArgs),
    /// Run the simulated provider on its own
    ///
    /// It speaks API v2, delivers what is ordered, keeps its books, and misbehaves on demand. Its own log of what it
    /// received is at /witness.
    ProviderSim(SimulatorArgs),
    /// Print the completions of a shell
    Completions { shell: clap_complete::Shell },
    /// Write man pages into a folder
    Man { folder: PathBuf },
}

const MOVE_EXAMPLES: &str = "\
Examples:
  panelworks migrate-store --to postgres --config panelworks.toml   The panel is stopped; [database] url is set
  panelworks migrate-store --to embedded --config panelworks.toml   Back; take url away before the next start
  panelworks migrate-store --undo --config panelworks.toml          Nothing was done there yet: as it was before";

const CALL_EXAMPLES: &str = "\
Examples:
  panelworks call --url http://127.0.0.1:8080/api/v2 --key 0123… services
  panelworks call --url … --key … add service=1 link=https://example.com/post quantity=100
  panelworks call --url … --key … add service=14 link=https://example.com/post comments@=comments.txt
  panelworks call --url … --key … status orders=1,2,3";

/// Which panel is meant.
#[derive(Debug, Clone, Args)]
pub struct PanelArgs {
    /// The folder with the panel's books
    #[arg(long, value_name = "DIR", env = "PANELWORKS_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The panel's configuration, which names the folder
    #[arg(long, value_name = "FILE", env = "PANELWORKS_CONFIG", conflicts_with = "data_dir")]
    pub config: Option<PathBuf>,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["panelworks"].iter().chain(words))
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_grouped_list_names_every_command() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            if name != "demo" {
                assert!(COMMANDS.contains(&format!("\n  {name} ")), "{name} is missing");
            }
        }
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some() || !command.has_subcommands(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let named_by_itself = ["shell", "folder", "help", "version"];
                let id = argument.get_id().as_str();
                assert!(
                    argument.get_help().is_some() || named_by_itself.contains(&id),
                    "{} {id}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(explained);
        }
        explained(&Cli::command());
    }

    #[test]
    fn no_command_is_the_demo_with_its_flags() {
        let cli = parsed(&["--port", "0", "--data-dir", "d", "--speed", "60"]).expect("parses");
        assert!(cli.command.is_none());
        assert_eq!(cli.demo.port, Some(0));
        assert_eq!(cli.demo.speed.get(), 60);
        let Some(Command::Demo(demo)) = parsed(&["demo", "--ready-file", "r"]).expect("parses").command
        else {
            panic!("not the demo");
        };
        assert_eq!(demo.ready_file, Some(PathBuf::from("r")));
    }

    #[test]
    fn every_command_of_the_manual_parses() {
        for line in [
            "serve --config panelworks.toml",
            "check-config",
            "doctor --json --offline",
            "customer add anna --currency eur --balance 12.50 --unlimited --json",
            "customer list --data-dir d",
            "customer credit 1 100 --note paid",
            "customer credit 1 -5.5 --note mistake",
            "customer rotate-key 1 --keep-others",
            "operator add anna",
            "operator add Anna.B --role staff --password-stdin --json",
            "operator add anna --generate",
            "operator list --json",
            "operator reset-password anna --password-stdin",
            "operator rotate-key anna",
            "operator rotate-key anna --revoke",
            "operator suspend anna",
            "operator resume anna --data-dir d",
            "customer suspend 1",
            "customer resume 1",
            "provider add https://p.example/api/v2 --key k --name P --connections 4",
            "provider list --json",
            "provider test 1",
            "provider fund 1 500",
            "provider import 1 --all --markup 30",
            "provider import 1 --category Likes --type Default --search instagram --fixed 0.05 --dry-run",
            "provider import 1 --services 1,2,3 --link-less 3",
            "service list --json",
            "service set 3 --rate 1.20 --min 10 --max 100 --enable",
            "service set 3 --disable --route 1:17",
            "service set 3 --manual",
            "order show 17 --json",
            "order list-held",
            "order resolve 17 --adopt 9001",
            "order resolve 17 --send-again",
            "order resolve 17 --write-off --attempt 2",
            "order resolve 17 --delivered 37.5",
            "order report 17 partial --remains 40 --start-count 100",
            "order report-refill 17 3 completed",
            "order report-post 17 https://example.com/new",
            "check --json",
            "backup b.db",
            "restore b.db --data-dir d",
            "restore --in-place --config c",
            "migrate-store --to postgres --config c --json",
            "migrate-store --to embedded --data-dir d",
            "migrate-store --undo",
            "call --url http://h/api/v2 --key k add service=1 link=x quantity=100",
            "call --url http://h/api/v2 --key k --raw balance",
            "provider-sim --port 0 --fault 429@status=100 --dialect numbers --latency-ms 5 --speed 10",
            "completions zsh",
            "man pages",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(parsed(&words).is_ok(), "{line}: {}", parsed(&words).expect_err(line));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "frobnicate",
            "customer add",
            "operator add",
            "operator add an@na",
            "operator add anna --role king",
            "operator reset-password anna --generate --password-stdin",
            "customer credit 1 ten",
            "customer credit 1 0.0000001",
            "customer add x --currency DOLLAR",
            "order resolve 17",
            "order resolve 17 --adopt 1 --send-again",
            "order resolve 17 --delivered 100",
            "order resolve 17 --delivered 0",
            "order resolve 17 --delivered 1.25",
            "order report 17 lost",
            "provider import 1",
            "provider import 1 --all --type Nonsense",
            "service set 3 --enable --disable",
            "service set 3 --manual --route 1:1",
            "service set 3 --rate -1",
            "provider-sim --fault nonsense=1",
            "provider-sim --dialect nonsense",
            "call --key k balance",
            "check --data-dir d --config c",
            "restore --data-dir d",
            "restore b.db --in-place",
            "migrate-store",
            "migrate-store --to nowhere",
            "migrate-store --to postgres --undo",
            "--speed 0",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(parsed(&words).is_err(), "{line}");
        }
    }
}
