// Package fuzz finds cases that break a registration: it draws cases from
// choice streams, runs each through the strategies and the oracle, and keeps
// and shrinks what fails.
package fuzz
