-- For wrk: sends the requests of a file, each once, and prints one line of JSON.
-- The file holds records: a request's length in bytes, a line end, and the request. The second argument: how many ms
-- each connection pauses between two requests in the mean; by chance, or all of them would send at once.
local requests, index, threads, pause = {}, 0, {}, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local file = assert(io.open(args[1], "rb"), "no file of requests")
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
  pause = tonumber(args[2] or "0")
  sent, held = 0, #requests
end

function delay()
  return math.random(0, 2 * pause)
end

function request()
  sent = sent + 1
  index = index % held + 1
  return requests[index]
end

function done(summary, latency, _)
  local e, sent, held = summary.errors, 0, 0
  for _, thread in ipairs(threads) do
    sent, held = sent + thread:get("sent"), held + thread:get("held")
  end
  io.write(string.format(
    'JSON {"requests":%d,"seconds":%.4f,"p50":%.3f,"p99":%.3f,"failed":%d,"repeated":%s}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout, tostring(sent > held)))
end
