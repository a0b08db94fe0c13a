-- For wrk, a thread for each connection: each follows the widget of an open dashboard, as htmx does, and looks again at the
-- address that the last answer named. Prints one line of JSON. Arguments: the log-in's cookie, how many ms from one look to
-- the next, and how many follow; each begins at a moment of its own between the two.
local threads = {}

function setup(thread)
  thread:set("nth", #threads)
  table.insert(threads, thread)
end

function init(args)
  every, followers = tonumber(args[2]), tonumber(args[3])
  headers = { Cookie = args[1], ["HX-Request"] = "true" }
  look, looked, failed = "/queue", 0, 0
end

function delay()
  local first = looked == 0
  return first and math.floor(every * nth / followers) or every
end

function request()
  return wrk.format("GET", look, headers)
end

function response(status, _, body)
  looked = looked + 1
  if status ~= 200 or not body:find("as of", 1, true) then failed = failed + 1 end
  local again = body:match('hx%-get="(/queue%?seen=[^"]+)"')
  if again then look = again:gsub("&amp;", "&") end
end

function done(_, _, _)
  local all = { looked = 0, failed = 0 }
  for _, thread in ipairs(threads) do
    for name, count in pairs(all) do all[name] = count + thread:get(name) end
  end
  io.write(string.format('JSON {"looked":%d,"failed":%d}\n', all.looked, all.failed))
end
