-- Health of a TestRunReport. Healthy is only a report that is Ready at the current generation:
-- passed, or complete where it gates nothing (mode Report). Degraded fails a sync, so it is only what
-- needs a person; GitHub being away is Progressing.
-- Scripts of users have no string and no math library.
local function health(status, message)
  if message == nil or message == "" then
    message = "no message"
  end
  return { status = status, message = message }
end

local generation = obj.metadata.generation
if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "the report is being deleted")
end
if obj.status == nil or obj.status.conditions == nil or generation == nil
  or obj.status.observedGeneration ~= generation then
  return health("Progressing", "waiting for testrun-operator to look at this generation")
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  if condition.observedGeneration == generation then
    found[condition.type] = condition
  end
end

local function is(kind, status)
  return found[kind] ~= nil and found[kind].status == status
end

if obj.spec ~= nil and obj.spec.suspend == true then
  return health("Suspended", found.Passed and found.Passed.message)
end
if is("Reconciling", "True") then
  return health("Progressing", found.Passed and found.Passed.message)
end
if is("Stalled", "True") then
  return health("Degraded", found.Stalled.message)
end
if is("Ready", "True") then
  return health("Healthy", found.Ready.message)
end
return health("Progressing", found.Passed and found.Passed.message)
