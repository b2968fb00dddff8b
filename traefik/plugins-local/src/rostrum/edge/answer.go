package edge

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// What has become of an answer.
const (
	pending = iota
	// The service's answer passes, its length known.
	passing
	// The service's answer passes, of unknown length: each part is sent on at once.
	streaming
	// The gateway's own error: a problem document is sent, Traefik's text is not.
	replaced
	// The connection has become a WebSocket.
	upgraded
)

// More of a refused body is not worth the reading.
const drainLimit = 64 << 20

// answerWriter puts the request id on the answer and replaces the body of an error that the gateway made.
//
// Traefik's interpreter shows compiled code only that this is a ResponseWriter and a Hijacker: a Flusher is lost on the
// way. So it flushes by itself whatever has no known length, which is what streams.
type answerWriter struct {
	rw     http.ResponseWriter
	header http.Header
	id     []string
	req    *http.Request
	state  int
}

func (w *answerWriter) Header() http.Header {
	return w.header
}

func (w *answerWriter) WriteHeader(status int) {
	if w.state != pending {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.rw.WriteHeader(status)
		return
	}
	if status >= 400 && w.isGatewayMade() {
		code, detail := describe(status)
		w.fail(status, code, detail)
		return
	}
	if status == http.StatusRequestEntityTooLarge {
		w.drain()
	}
	w.state = passing
	w.header[requestIDHeader] = w.id
	if w.header["Content-Length"] == nil && w.header["Content-Encoding"] == nil && status != http.StatusNoContent && status != http.StatusNotModified {
		w.state = streaming
	}
	w.rw.WriteHeader(status)
	if w.state == streaming {
		w.flush()
	}
}

func (w *answerWriter) Write(body []byte) (int, error) {
	if w.state == passing {
		return w.rw.Write(body)
	}
	if w.state == pending {
		w.WriteHeader(http.StatusOK)
	}
	if w.state == replaced {
		return len(body), nil
	}
	written, err := w.rw.Write(body)
	if w.state == streaming && err == nil {
		w.flush()
	}
	return written, err
}

// Hijack hands the connection to a WebSocket. Its 101 carries the service's own headers, request id included.
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	hijacker, ok := w.rw.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("this connection cannot be upgraded")
	}
	w.state = upgraded
	return hijacker.Hijack()
}

func (w *answerWriter) flush() {
	if flusher, ok := w.rw.(http.Flusher); ok {
		flusher.Flush()
	}
}

// drain reads what is left of a body that was refused. A client that is still sending would else find the connection
// reset before it has read why.
func (w *answerWriter) drain() {
	_, _ = io.Copy(io.Discard, io.LimitReader(w.req.Body, drainLimit))
}

// isGatewayMade tells an error of Traefik's from one of a service's. By the time of WriteHeader the proxy has copied a
// service's headers, and a service dates its answers (RFC 9110, 6.6.1), names the request and types its body. What has
// none of the three came from here.
func (w *answerWriter) isGatewayMade() bool {
	if w.header["Date"] != nil || w.header[requestIDHeader] != nil {
		return false
	}
	contentType := w.header.Get("Content-Type")
	return contentType == "" || strings.HasPrefix(contentType, "text/plain")
}

type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Instance  string `json:"instance"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`
}

// fail answers with a problem document.
func (w *answerWriter) fail(status int, code, detail string) {
	body, err := json.Marshal(problem{
		Type:      "urn:rostrum:problem:" + strings.ToLower(strings.ReplaceAll(code, "_", "-")),
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		Instance:  w.req.URL.EscapedPath(),
		Code:      code,
		RequestID: w.id[0],
	})
	if err != nil {
		body = []byte("{}")
	}
	if status == http.StatusRequestEntityTooLarge {
		w.drain()
	}
	w.state = replaced
	w.header[requestIDHeader] = w.id
	w.header.Set("Content-Type", "application/problem+json")
	w.header.Set("Cache-Control", "no-store")
	w.header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.rw.WriteHeader(status)
	_, _ = w.rw.Write(body)
	// Whole and on its way, also if the proxy then breaks off because the service's connection is broken.
	w.flush()
}

func describe(status int) (code, detail string) {
	switch status {
	case http.StatusForbidden:
		return "GATEWAY_FORBIDDEN", "The gateway does not let this request through."
	case http.StatusRequestEntityTooLarge:
		return "GATEWAY_BODY_TOO_LARGE", "The body is larger than the gateway accepts."
	case http.StatusTooManyRequests:
		return "GATEWAY_TOO_MANY_REQUESTS", "Too many requests from this address. Wait for Retry-After, then double the wait each time."
	case http.StatusRequestHeaderFieldsTooLarge:
		return "GATEWAY_HEADERS_TOO_LARGE", "The request's headers are larger than the service accepts."
	case http.StatusBadGateway:
		return "GATEWAY_BAD_GATEWAY", "The service closed the connection or could not be reached."
	case http.StatusServiceUnavailable:
		return "GATEWAY_SERVICE_UNAVAILABLE", "No instance of the service can answer now."
	case http.StatusGatewayTimeout:
		return "GATEWAY_TIMEOUT", "The service did not answer in time."
	}
	return "GATEWAY_ERROR", ""
}
