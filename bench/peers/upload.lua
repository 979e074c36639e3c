-- Requests with a body of 64 KiB; otherwise as wrk.lua, which it runs.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("upload.lua$", "wrk.lua")))
wrk.method = "POST"
wrk.body = string.rep("x", 64 * 1024)
