# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-staging-images"
  key_arn = module.keys.data_key_arn
}

# Where its name is kept
data "aws_route53_zone" "domain" {
  name = "example.com"
}

# box: 2,976 MiB for 9 containers
module "box" {
  source    = "../modules/host"
  name      = "shop-staging-box"
  vpc_id    = module.network.vpc_id
  subnet_id = module.network.public_subnet_ids[0]
  user_data = templatefile("${path.module}/box/user-data.tftpl", {
    images_repository_url = module.images.repository_url
    backups_name          = module.backups.name
    keys_data_key_arn     = module.keys.data_key_arn
    session_key_arn       = module.secrets.arns["session-key"]
    admin_key_arn         = module.secrets.arns["admin-key"]
  })
  key_arn       = module.keys.data_key_arn
  log_key_arn   = module.keys.log_key_arn
  instance_type = "m7g.xlarge"
  domain        = "staging.shop.example.com"
  zone_id       = data.aws_route53_zone.domain.zone_id
}
