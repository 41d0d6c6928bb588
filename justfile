# Every task of the project: `just` lists them. Needs https://just.systems; each recipe is also a plain command.

_default:
    @just --list

# Serve with an embedded Postgres
run *arguments:
    cargo run -- {{ arguments }}

# Record three days of simulated sensors
demo:
    cargo run -- demo

# Run all tests, or those with a name
test *filter:
    cargo test {{ filter }}

# Run tests with cargo-nextest, each in a process of its own
nextest *arguments:
    .ci/nextest {{ arguments }}

# Write the snapshots of new and changed API tests
accept-snapshots:
    INSTA_UPDATE=always cargo test --test it cases

# Format and lint
lint:
    cargo fmt --all
    cargo clippy --all-targets -- -D warnings

# Refresh schema.graphql and .sqlx
generate:
    cargo run -- schema > schema.graphql
    .ci/sqlx-prepare

# Everything that a change must pass
ci:
    .ci/run

# Feed each decoder a number of random bodies
fuzz cases="1000000":
    AIRGRAPH_FUZZ_CASES={{ cases }} cargo test --release --package airgraph-formats fuzz -- --nocapture

# Send a number of random GraphQL requests
fuzz-requests cases="1000000":
    AIRGRAPH_FUZZ_CASES={{ cases }} cargo test --release --test it fuzz_requests -- --nocapture

# Run a benchmark: gateway, archive, attacks, cost, export, live, overload, peers, refusals or upload
bench name:
    cargo bench --bench {{ name }}
