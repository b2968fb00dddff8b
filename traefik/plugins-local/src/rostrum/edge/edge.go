// Package edge is what Traefik has no middleware for: one well-formed X-Request-Id on every request and every answer,
// and RFC 9457 problem documents for the errors that the gateway itself makes. Traefik interprets it (Yaegi), so the
// path of a healthy request is kept to a handful of calls into compiled code.
package edge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

const requestIDHeader = "X-Request-Id"

// The rule for an id that a client brings, the same in every service: ^[A-Za-z0-9._-]{8,64}$.
const (
	idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	idMinLength  = 8
	idMaxLength  = 64
)

// What no path of ours holds after decoding: a service that decodes once more, or splits at another character, would
// see a different path from the one that was routed.
const refusedInPath = "\\%?#;\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f"

// Config is one middleware's settings in the dynamic configuration.
type Config struct {
	// Mode is "edge" (around everything), "not-found" (answers 404) or "redirect" (answers 308 to https).
	Mode string `json:"mode,omitempty"`
	// HTTPSPort is where "redirect" sends to.
	HTTPSPort int `json:"httpsPort,omitempty"`
	// MaxBodyBytes is the largest announced body that "edge" lets through. What comes unannounced the services limit.
	MaxBodyBytes int64 `json:"maxBodyBytes,omitempty"`
}

// CreateConfig is called by Traefik.
func CreateConfig() *Config {
	return &Config{Mode: "edge", HTTPSPort: 443, MaxBodyBytes: 10 << 20}
}

// New is called by Traefik, once for each router that uses the middleware.
func New(_ context.Context, next http.Handler, config *Config, name string) (http.Handler, error) {
	switch config.Mode {
	case "edge":
		return &edge{next: next, maxBodyBytes: config.MaxBodyBytes}, nil
	case "not-found":
		return &notFound{}, nil
	case "redirect":
		return &redirect{port: config.HTTPSPort}, nil
	}
	return nil, fmt.Errorf("%s: unknown mode %q", name, config.Mode)
}

type edge struct {
	next         http.Handler
	maxBodyBytes int64
}

func (e *edge) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	id := req.Header[requestIDHeader]
	if len(id) != 1 || !isWellFormed(id[0]) {
		id = []string{newRequestID()}
		req.Header[requestIDHeader] = id
	}
	answer := &answerWriter{rw: rw, header: rw.Header(), id: id, req: req}
	if isRefusedPath(req) {
		answer.fail(http.StatusBadRequest, "GATEWAY_PATH_REFUSED", "The path holds an encoded character that no path here has.")
		return
	}
	if req.ContentLength > e.maxBodyBytes {
		code, detail := describe(http.StatusRequestEntityTooLarge)
		answer.fail(http.StatusRequestEntityTooLarge, code, detail)
		return
	}
	e.next.ServeHTTP(answer, req)
	if answer.state == pending {
		answer.WriteHeader(http.StatusOK)
	}
}

func isWellFormed(id string) bool {
	return len(id) >= idMinLength && len(id) <= idMaxLength && strings.Trim(id, idCharacters) == ""
}

func newRequestID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

// RawPath is only there when the path was not in its plain form; Traefik has capitalised its escapes by now.
func isRefusedPath(req *http.Request) bool {
	if req.URL.RawPath != "" && strings.Contains(req.URL.RawPath, "%2F") {
		return true
	}
	return strings.ContainsAny(req.URL.Path, refusedInPath)
}

type notFound struct{}

func (n *notFound) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	answer := &answerWriter{rw: rw, header: rw.Header(), id: []string{req.Header.Get(requestIDHeader)}, req: req}
	answer.fail(http.StatusNotFound, "GATEWAY_ROUTE_NOT_FOUND", "No service answers at this path.")
}

type redirect struct {
	port int
}

// Traefik's own redirect answers GET with 301, which lets a client change the method; 308 never does.
func (r *redirect) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	host := req.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if r.port != 443 {
		host += ":" + strconv.Itoa(r.port)
	}
	rw.Header().Set("Location", "https://"+host+req.URL.RequestURI())
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Content-Length", "0")
	rw.WriteHeader(http.StatusPermanentRedirect)
}
