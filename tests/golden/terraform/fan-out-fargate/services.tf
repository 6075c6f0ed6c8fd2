# What every task is given: place, image, log and environment; below it what several are told
locals {
  platform = {
    name           = "tea-prod"
    cluster_arn    = module.cluster.arn
    cluster_name   = module.cluster.name
    vpc_id         = module.network.vpc_id
    subnet_ids     = module.network.private_subnet_ids
    image          = "${module.images.repository_url}:${var.image_tag}"
    repository_arn = module.images.repository_arn
    key_arn        = module.keys.data_key_arn
    log_key_arn    = module.keys.log_key_arn
    log_days       = 365
    environment    = { RUNG_WORKLOAD = "tea", RUNG_ENVIRONMENT = "prod", RUNG_LOG_FORMAT = "json" }
  }
  db      = { kind = "postgres", url = module.db.url, statement_timeout_seconds = 5, tenant_scoped = false }
  uploads = merge(module.uploads.binding, { retry_delay_seconds = 1, retry_delay_max_seconds = 900 })
  mails = {
    kind                       = "queue"
    adapter                    = "sqs"
    urls                       = { default = module.mails.url }
    dead_letter_urls           = { default = module.mails.dead_letter_url }
    lanes                      = ["default"]
    max_receive_count          = 5
    visibility_timeout_seconds = 180
    retention_seconds          = 345600
    retry_delay_seconds        = 1
    retry_delay_max_seconds    = 900
    region                     = "eu-west-1"
    url                        = module.db.url
  }
}

# images: the one image that every process runs
module "images" {
  source    = "../modules/registry"
  name      = "tea-prod-images"
  key_arn   = module.keys.data_key_arn
  functions = true
}

# cluster: where every process runs
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "tea-prod-cluster"
  log_key_arn = module.keys.log_key_arn
}

# db-migrate runs before a deployment: before each deployment, as the owner (fanning.py:13)
module "db_migrate" {
  source           = "../modules/ecs_job"
  name             = "tea-prod-db-migrate"
  platform         = local.platform
  command          = ["python", "-m", "rung.runtime.migrate"]
  environment      = { RUNG_DATABASE_SETUP = jsonencode(merge(module.db_logins.setup, { migrations = "migrations", carries = true })) }
  deadline_seconds = 1800
  on_deploy        = true
}

# api answers requests: 4 tasks for 10 requests/s (fanning.py:16)
module "api" {
  source       = "../modules/ecs_service"
  name         = "tea-prod-api"
  role         = "web"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.serve --app tea.api:app --host 0.0.0.0 --port 8000 --workers 1 --name api --health /health")
  cpu          = 0.5
  memory_mib   = 1024
  port         = 8000
  health_path  = "/health"
  stop_seconds = 35
  environment = {
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["api"], pool_size = 8 }))
    RUNG_BINDING_UPLOADS = jsonencode(merge(local.uploads, {
      url                = module.db.url
      credentials_secret = module.db_logins.arns["api"]
    }))
    RUNG_BINDING_MAILS = jsonencode(merge(local.mails, { credentials_secret = module.db_logins.arns["api"] }))
  }
  target_group_arns = [module.load_balancer.target_group_arns["api"]]
  scaling           = { cpu_target = 60, memory_target = 75 }
  rollback_alarms   = ["tea-prod-api-memory-high", "tea-prod-api-errors", "tea-prod-api-slow"]
}

# thumbs takes messages, as often at once as it must: batches of 10, 100 at once (fanning.py:18)
module "thumbs" {
  source   = "../modules/lambda_worker"
  name     = "tea-prod-thumbs"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.function --name thumbs --queue uploads --handler tea.thumbs:make --concurrency 10 --deadline-seconds 30")
  queues = {
    uploads-urgent = { arn = module.uploads.arns["urgent"], batch_size = 10, most_batches = 50 }
    uploads-bulk   = { arn = module.uploads.arns["bulk"], batch_size = 10, most_batches = 50 }
  }
  timeout_seconds = 35
  environment = {
    RUNG_BINDING_UPLOADS         = jsonencode(local.uploads)
    RUNG_BINDING_PICTURES        = jsonencode({ kind = "bucket", name = module.pictures.name, region = "eu-west-1", lists = false })
    RUNG_BINDING_API_EXAMPLE_COM = jsonencode({ kind = "external", host = "api.example.com", port = 443 })
  }
}

# mailer takes messages, as often at once as it must: batches of 10, 4 at once (fanning.py:19)
module "mailer" {
  source   = "../modules/lambda_worker"
  name     = "tea-prod-mailer"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.function --name mailer --queue mails --handler tea.mail:send --concurrency 10 --deadline-seconds 25")
  queues   = { mails = { arn = module.mails.arn, batch_size = 10, most_batches = 4 } }
  environment = {
    RUNG_BINDING_MAILS = jsonencode(merge(local.mails, { credentials_secret = module.db_logins.arns["mailer"] }))
    RUNG_BINDING_DB    = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["mailer"], pool_size = 1 }))
  }
  in_network = true
}
