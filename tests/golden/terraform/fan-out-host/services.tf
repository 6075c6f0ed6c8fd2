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
}

# images: the one image that every process runs
module "images" {
  source    = "../modules/registry"
  name      = "tea-prod-images"
  key_arn   = module.keys.data_key_arn
  functions = true
}

# cluster: where migrations, schedules and jobs run
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "tea-prod-cluster"
  log_key_arn = module.keys.log_key_arn
}

# hosts: 1,024 MiB for everything on one of them; 3 at the peak
module "hosts" {
  source     = "../modules/host_group"
  name       = "tea-prod-hosts"
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  user_data = templatefile("${path.module}/hosts/user-data.tftpl", {
    images_repository_url          = module.images.repository_url
    db_endpoint                    = module.db.endpoint
    db_api_arn                     = module.db_logins.arns["api"]
    uploads_urgent_url             = module.uploads.urls["urgent"]
    uploads_bulk_url               = module.uploads.urls["bulk"]
    uploads_urgent_dead_letter_url = module.uploads.dead_letter_urls["urgent"]
    uploads_bulk_dead_letter_url   = module.uploads.dead_letter_urls["bulk"]
    mails_url                      = module.mails.url
    mails_dead_letter_url          = module.mails.dead_letter_url
  })
  key_arn           = module.keys.data_key_arn
  log_key_arn       = module.keys.log_key_arn
  instance_type     = "t4g.small"
  min_hosts         = 2
  target_group_arns = [module.load_balancer.target_group_arns["hosts"]]
  log_days          = 365
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
    RUNG_BINDING_UPLOADS         = jsonencode(merge(module.uploads.binding, { retry_delay_seconds = 1, retry_delay_max_seconds = 900 }))
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
    RUNG_BINDING_MAILS = jsonencode({
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
      credentials_secret         = module.db_logins.arns["mailer"]
    })
    RUNG_BINDING_DB = jsonencode({
      kind                      = "postgres"
      url                       = module.db.url
      credentials_secret        = module.db_logins.arns["mailer"]
      pool_size                 = 1
      statement_timeout_seconds = 5
      tenant_scoped             = false
    })
  }
  in_network = true
}
