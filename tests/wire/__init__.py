"""Requests as they come over the wire: headers, retries, limits, proxies, origins."""
