module rostrum/edge

go 1.22
