# What is watched and who is told: the runbook of an alarm has the name of its kind
module "watch" {
  source       = "../modules/watch"
  name         = "tea-prod"
  account_id   = local.account_id
  region       = local.region
  key_arn      = module.keys.log_key_arn
  emails       = ["oncall@example.com"]
  runbooks_url = var.runbooks_url
  alarms = {
    hosts = {
      of     = merge(module.load_balancer.dimensions["hosts"], { AutoScalingGroupName = module.hosts.group_name })
      limits = { host-unreachable = 0, host-cpu-high = 80, host-disk-full = 70, host-memory-high = 90, service-errors = 5, service-slow = 1, no-healthy-targets = 1 }
    }
    db             = { of = module.db.dimensions, limits = { database-cpu-high = 90, database-storage-low = 2147483648, database-slow = 0.02, database-connections-high = 89, database-transaction-ids = 1000000000 } }
    uploads-urgent = { of = module.uploads.dimensions["urgent"], limits = { messages-waiting = 300, dead-letters = 0 } }
    uploads-bulk   = { of = module.uploads.dimensions["bulk"], limits = { messages-waiting = 300, dead-letters = 0 } }
    mails          = { of = { QueueName = module.mails.name, DeadLetterQueueName = module.mails.dead_letter_name }, limits = { messages-waiting = 300, dead-letters = 0 } }
    certificate    = { of = { CertificateArn = module.load_balancer.certificate_arn }, limits = { certificate-expiring = 30 } }
    load-balancer  = { of = { LoadBalancer = module.load_balancer.arn_suffix }, limits = { load-balancer-errors = 5 } }
    thumbs         = { of = { FunctionName = module.thumbs.name }, limits = { service-errors-2 = 5, tasks-missing-2 = 0, service-slow-2 = 31500, task-cpu-high-2 = 90 } }
    mailer         = { of = { FunctionName = module.mailer.name }, limits = { service-errors-2 = 5, tasks-missing-2 = 0, service-slow-2 = 27000, task-cpu-high-2 = 3 } }
  }
}
