// Package ext stands in for the extension point that Traefik keeps empty in its own repository.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// Router adds nothing to a router.
type Router struct{}
